/* What the two kinds of backend have in common, and what each brings.
 *
 * Floor 6, for this folder only: structs are open here. */
#pragma once

#include "linux/link.h"
#include "linux/link_change.h"
#include "tunnel/backend.h"

/* What an interface of the kernel's WireGuard that is ours has as its alias. */
#define WR_BACKEND_ALIAS "warren"
#define WR_BACKEND_WHY_LEN 200
/* 1500 less 40 of IPv6, 8 of UDP and 32 of WireGuard; as wireguard-go and wg-quick. */
#define WR_BACKEND_MTU 1420

/* News for who uses the backend. They are told from the loop, never from within a call. */
struct wr_backend_news {
	struct wr_backend_item *items; /* oldest first */
	size_t count, room;
	bool is_gone, has_told_gone;
};

/* The functions of backend.h; each gets a peer's key that is none of our own. */
struct wr_backend_ops {
	enum wr_backend_kind kind;
	const char *name;
	bool can_probe;
	int (*open)(uv_loop_t *loop, const struct wr_backend_config *config,
		    struct wr_backend **ret_backend, char ret_why[WR_BACKEND_WHY_LEN]);
	/* Closes its handles. */
	void (*close)(struct wr_backend *backend);
	/* When the loop has let go of them. */
	void (*free)(struct wr_backend *backend);
	/* What was put off by wr_backend_soon(); may be NULL. */
	void (*run)(struct wr_backend *backend);
	/* The link is another now; may be NULL. */
	void (*link_changed)(struct wr_backend *backend, const struct wr_link_state *state);
	uint16_t (*port)(const struct wr_backend *backend);
	int (*set_key)(struct wr_backend *backend, const struct wr_key *private_key);
	int (*set_up)(struct wr_backend *backend, bool is_up);
	int (*set_peer)(struct wr_backend *backend, const struct wr_backend_peer *peer);
	int (*remove_peer)(struct wr_backend *backend, const struct wr_key *public_key);
	int (*set_endpoint)(struct wr_backend *backend, const struct wr_key *public_key,
			    const struct wr_endpoint *endpoint);
	int (*wake)(struct wr_backend *backend, const struct wr_key *public_key);
	int (*renew)(struct wr_backend *backend, const struct wr_key *public_key);
	/* May be NULL, as the next seven. */
	int (*hasten)(struct wr_backend *backend, const struct wr_key *public_key);
	int (*set_spread)(struct wr_backend *backend, const struct wr_key *public_key,
			  const struct wr_endpoint *endpoints, size_t count);
	int (*probe)(struct wr_backend *backend, const struct wr_key *public_key,
		     const struct wr_endpoint *to);
	int (*send)(struct wr_backend *backend, struct wr_bytes datagram,
		    const struct wr_endpoint *to);
	void (*review_relay)(struct wr_backend *backend);
	void (*count)(const struct wr_backend *backend, struct wr_counters *ret_counters);
	int (*set_guard)(struct wr_backend *backend, struct wr_guard *guard);
	struct wr_retire_list *(*retired)(struct wr_backend *backend);
	int (*look)(struct wr_backend *backend,
		    void (*see)(void *context, const struct wr_backend_sight *sight),
		    void *context);
	int (*look_one)(struct wr_backend *backend, const struct wr_key *public_key,
			struct wr_backend_sight *ret_sight);
};

extern const struct wr_backend_ops wr_backend_engine;
extern const struct wr_backend_ops wr_backend_kernel;

/* The first member of each kind. */
struct wr_backend {
	const struct wr_backend_ops *ops;
	uv_loop_t *loop;
	uint32_t index;
	struct wr_link_watch *link;
	uv_poll_t link_poll;
	uv_idle_t soon; /* active while there is news, or something was put off */
	struct wr_backend_news news;
	void (*heard)(void *context, const struct wr_key *peer, const struct wr_endpoint *from);
	void (*shook)(void *context, const struct wr_key *peer);
	void (*wanted)(void *context, const struct wr_key *peer);
	void (*knocked)(void *context, struct wr_bytes datagram, const struct wr_endpoint *from);
	bool (*may_relay)(void *context, const struct wr_key *from, const struct wr_key *to);
	void (*gone)(void *context);
	void *context;
};

/* For who opens one: first of all. */
void wr_backend_init(struct wr_backend *backend, const struct wr_backend_ops *ops, uv_loop_t *loop,
		     const struct wr_backend_config *config);
/* Watches the interface of that index. 0 or a negative errno. */
int wr_backend_watch(struct wr_backend *backend, uint32_t index) WR_MUST_CHECK;
/* Looks what has the name already: 0 if nothing has; 1 and *ret_sight for an interface of the
 * kernel's WireGuard that was left behind by us; -EEXIST and why for any other. */
int wr_backend_claim(const char *name, struct wr_link_sight *ret_sight,
		     char ret_why[WR_BACKEND_WHY_LEN]) WR_MUST_CHECK;
/* Writes why it failed, and returns the status. */
int wr_backend_fail(int status, char ret_why[WR_BACKEND_WHY_LEN], const char *format, ...)
	WR_PRINTF(3, 4);

/* ops->run() is called soon, from the loop; once for many calls. */
void wr_backend_soon(struct wr_backend *backend);
/* Told soon, from the loop. */
void wr_backend_tell_heard(struct wr_backend *backend, const struct wr_key *peer,
			   const struct wr_endpoint *from);
void wr_backend_tell_shook(struct wr_backend *backend, const struct wr_key *peer);
void wr_backend_tell_wanted(struct wr_backend *backend, const struct wr_key *peer);
void wr_backend_tell_knocked(struct wr_backend *backend, struct wr_bytes datagram,
			     const struct wr_endpoint *from);
void wr_backend_tell_gone(struct wr_backend *backend);
/* Tells them all. */
void wr_backend_deliver(struct wr_backend *backend);
void wr_backend_drop_news(struct wr_backend *backend);
