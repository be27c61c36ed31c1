/* Two backends at the two ends of a cable, each in a network namespace of its own. Which kinds
 * they are is said by WARREN_TEST_BACKENDS ("engine engine", "kernel engine", ...). */
#pragma once

#include <uv.h>

#include "engine/engine.h"
#include "linux/namespace.h"
#include "linux/netns.h"
#include "tunnel/backend.h"

/* Of the first end; the second end's end with 2 and 12. */
#define FIRST_ADDRESS "192.0.2.1"
#define FIRST_OTHER_ADDRESS "192.0.2.11"
#define SECOND_ADDRESS "192.0.2.2"
#define SECOND_OTHER_ADDRESS "192.0.2.12"
#define FIRST_INSIDE "10.9.0.1"
#define SECOND_INSIDE "10.9.0.2"

struct end {
	enum wr_backend_kind kind;
	const char *name; /* of the namespace */
	struct wr_netns netns;
	struct wr_key private_key, public_key;
	struct wr_backend *backend;
	/* What was told; of which peer last, and where that was heard. */
	unsigned heard, shook, gone;
	struct wr_key peer;
	struct wr_endpoint from;
	/* Knocks that came, and the last of them. */
	unsigned knocks;
	uint8_t knock[WR_ENGINE_KNOCK_MAX_LEN];
	size_t knock_len;
};

extern struct end first, second;
extern uv_loop_t loop;

/* For cmocka: once for all tests. */
int ends_enter(void **state);
int ends_leave(void **state);
/* For each: opens both, up, with inner addresses; neither knows the other. */
int ends_open(void **state);
int ends_close(void **state);

/* One end alone; `ret_why` has room for 200. */
int end_open(struct end *end, const char *name, uint16_t port, char ret_why[200]);
void end_close(struct end *end);
struct wr_backend_config end_config(struct end *end, const char *name, uint16_t port);
/* In the namespace of the end. */
int end_set_up(struct end *end, bool is_up);

/* `end` knows `other` with these allowed-ips (texts, NULL at the end). */
void end_add(struct end *end, const struct end *other, const char *const *allowed);
/* Each knows the other's inner address, and the first one the second's address. */
void ends_introduce(void);
/* Until both have a session. */
void ends_shake_hands(void);
struct wr_endpoint endpoint_of(const struct end *end, const char *address);
/* What `end` sees of `other`. */
struct wr_backend_sight end_see(struct end *end, const struct end *other);

/* Turns the loop until `is_so`, for 20 s at the most; or for that long. */
void await(bool (*is_so)(void), const char *what);
void turn_for(unsigned ms);

/* A UDP socket at an address inside the end's namespace; and one datagram through it. */
int end_socket(struct end *end, const char *address, uint16_t port);
void send_to(int fd, const char *address, uint16_t port);
/* True if so many bytes go from the first end to a port of the second one over TCP, within 20 s. */
bool ends_carry_tcp(uint16_t port, size_t bytes);
/* True if a datagram came within that time. */
bool receives(int fd, unsigned ms);
