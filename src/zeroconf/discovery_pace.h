/* When a member announces itself and who answers: quickly at first, then seldom, and a LAN with
 * many members hears not more than one with few.
 *
 * Floor 9.  Pure; randomness comes in.  Source: docs/mesh.md, "Knocks". */
#pragma once

#include "base/base.h"

/* Between announcement `step` (from 0: the first) and the next one: 0.25, 0.25, 0.5, 1, 2, ... s,
 * up to a minute; ten where there are a hundred members, longer with more than a thousand; a
 * quarter more or less. */
struct wr_span wr_pace_pause(unsigned step, size_t members, uint64_t random);
/* True if this member, one of so many, should answer: all of few, some eight of many. After how
 * long is in *ret_delay. */
bool wr_pace_answers(size_t members, uint64_t random, struct wr_span *ret_delay);
