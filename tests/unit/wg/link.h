/* Two ports with a device and a peer each, which are each other's, in virtual time.
 *
 * There is no network between them: a test carries what comes out of one into the
 * other, or does not.  Transport packets are played by link_packet(), which leaves
 * the notes that the data plane would. */
#pragma once

#include "unit.h"
#include "wg/port.h"

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)

struct end {
	struct wr_port *port;
	struct wr_device *device;
	struct wr_peer *peer; /* the other end */
	struct wr_key private_key;
	struct wr_endpoint address; /* its own */
};

struct link {
	struct end a, b;
	struct wr_moment moment;
	struct unit_random random;
};

/* Both up, each knows where the other is, no sessions; 1000 s since boot. */
void link_start(struct link *link);
void link_end(struct link *link);

/* A port with one device of this key, up. */
void end_start(struct end *end, uint8_t key, const char *address);
struct wr_peer *end_add_peer(struct end *end, const struct end *other);
struct wr_key test_private_key(uint8_t number);
struct wr_endpoint test_endpoint(const char *text);
struct wr_entropy link_entropy(struct link *link);

static inline uint64_t link_now(const struct link *link)
{
	return link->moment.now.ns;
}
/* Moves both clocks forward, and frees what has been retired. */
void link_advance(struct link *link, uint64_t ns);

/* What the port wants done now. */
bool end_poll(struct link *link, struct end *end, struct wr_output *ret);
/* Lets time pass until the port wants something done; false if it does not before
 * `ns` have passed, which then have. */
bool end_wait(struct link *link, struct end *end, uint64_t ns, struct wr_output *ret);
/* Nothing is wanted now. */
void end_is_quiet(struct link *link, struct end *end);

enum wr_verdict end_input_from(struct link *link, struct end *end, const struct wr_endpoint *from,
			       const struct wr_output *datagram, bool under_load,
			       struct wr_output *ret);
/* A datagram that the other end put out, from its address. */
enum wr_verdict end_input(struct link *link, struct end *end, const struct wr_output *datagram,
			  struct wr_output *ret);

/* The peer's endpoint is known, and is this one. */
void assert_peer_is_at(const struct wr_peer *peer, const struct wr_endpoint *endpoint);

/* The data plane of `end` has data to send and no session. */
void end_ask(struct end *end);
/* Makes `end`, which has no session or a worn one, begin a handshake now. */
void end_initiate(struct link *link, struct end *end, struct wr_output *ret_initiation);
/* `from` makes a session with the other end, which is confirmed. */
void link_handshake(struct link *link, struct end *from);
/* `from` sends a packet on its session; it arrives if `arrives`. */
void link_packet(struct link *link, struct end *from, bool has_data, bool arrives);

/* The same with this session of `from`, of whatever age; it arrives. */
void link_packet_on(struct link *link, struct end *from, struct wr_session *session, bool has_data);
/* Plays both ends for `ns`: what is put out arrives at once, and a session's first
 * packet follows.  Neither may give up. */
void link_pump(struct link *link, uint64_t ns);

struct wr_session *end_session(const struct link *link, const struct end *end);
uint64_t end_note(const _Atomic uint64_t *note);
