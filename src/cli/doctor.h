/* What `warren doctor` finds.
 *
 * Floor 10. */
#pragma once

#include <jansson.h>

#include "cli/settings.h"

struct wr_findings {
	json_t *items; /* {check, state: ok|note|bad, says} */
	unsigned bad_count;
};

void wr_finding_ok(struct wr_findings *findings, const char *check, const char *says, ...)
	WR_PRINTF(3, 4);
/* Something that may be meant so. */
void wr_finding_note(struct wr_findings *findings, const char *check, const char *says, ...)
	WR_PRINTF(3, 4);
/* Something to mend: `says` tells how. */
void wr_finding_bad(struct wr_findings *findings, const char *check, const char *says, ...)
	WR_PRINTF(3, 4);

/* The checks: doctor_data.c, doctor_host.c. */
void wr_doctor_data(struct wr_findings *findings, const struct wr_settings *settings);
void wr_doctor_host(struct wr_findings *findings, const struct wr_settings *settings);
