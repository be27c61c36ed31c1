/* The daemon of a mesh from inside: one struct, from which all state hangs.
 *
 * Floor 9, for this folder only.  The loop's thread. */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "base/map.h"
#include "crypto/noise.h"
#include "gossip/admission.h"
#include "gossip/gossip.h"
#include "linux/clock.h"
#include "mesh/l2.h"
#include "mesh/paths_socket.h"
#include "node/node.h"
#include "policy/view.h"
#include "wire/door.h"
#include "zeroconf/discovery.h"
#include "zeroconf/map_pace.h"
#include "zeroconf/state.h"
#include "zeroconf/zeroconf.h"

/* Peers that are no members (yet): who knocked, who is revisited. More knock again later. */
#define WR_ZEROCONF_GUESTS 64
/* Until then a guest has shaken hands, or is gone. */
#define WR_GUEST_SHAKES_WITHIN WR_SPAN_S(10)
/* Until then it is a member, or waits at the door and says so again. */
#define WR_GUEST_ENTERS_WITHIN WR_SPAN_S(30)

/* The upper half of a record's version is the number of its member's start, so it grows with each.
 */
#define ZC_EPOCH_BITS 32

/* Somebody who is a WireGuard peer of ours: a member, or a guest. */
struct contact {
	struct wr_key identity;
	struct wr_key key; /* WireGuard's */
	struct wr_ip v6;
	char uid[WR_NETMAP_UID_LEN + 1];
	bool is_member; /* gossip knows it, dead or alive, and it is admitted */
	bool is_alive;
	uint64_t life;           /* its start that its record is of; 0: not known */
	struct wr_instant shook; /* the last handshake; 0: none */

	/* A guest. */
	struct wr_instant knock_at; /* a dead one is knocked at again */
	struct wr_endpoint seen;    /* where it knocked from; family none: it did not */
	uint64_t epoch;             /* of its knock: its start that we know */
	struct wr_instant until;    /* 0: no guest */
	bool has_shaken;
	bool is_to_wake;
	bool is_pleading; /* with us: it waits for somebody to admit it */
	bool has_refused; /* us: it told why */
	char name[WR_ITEM_NAME_LEN + 1];
};

/* A member that relays for us, since we cannot be reached from everywhere. */
struct home {
	struct wr_key identity; /* all zero: none */
	bool is_working;        /* it answered */
	bool is_asked;          /* a ping is under way */
	unsigned missed;        /* pings, one after the other */
	unsigned generation;    /* grows with each home: an answer may come late */
	struct wr_instant ask_at;
};

struct wr_zeroconf {
	uv_loop_t *loop;
	struct wr_zeroconf_config config;
	struct wr_mesh_state state;
	struct wr_mesh_keys keys;
	char *socket_path;
	char metrics_listen[WR_ENDPOINT_TEXT_LEN];
	int lock_fd;

	/* Who we are. */
	struct wr_key identity, public_key;
	struct wr_ip v6;
	char uid[WR_NETMAP_UID_LEN + 1];
	uint64_t version; /* of our record; 0: none yet */
	struct wr_record record;
	bool is_admitted;    /* by the charter and our certificate */
	bool is_turned_away; /* a member said that the mesh is closed */
	char refusal[200];   /* why a closed mesh does not let us in; "" */
	struct wr_instant plead_due;

	struct wr_node *node;
	struct wr_discovery *discovery;
	struct wr_gossip *gossip;
	struct wr_admission *admission;
	struct wr_paths_socket socket;
	struct wr_l2 *l2;
	struct wr_founder founder;
	bool is_founder;             /* the founder's key is here */
	bool is_signed;              /* something that is not on the disk yet */
	struct wr_instant closes_at; /* the charter that shuts the door is due; 0: no */

	/* Peers. */
	struct wr_siphash_key secret; /* of the tables below */
	struct wr_map by_identity, by_key, by_v6;
	size_t guest_count;

	/* The founder's policy, read. */
	char *policy;            /* as it is in force; NULL: none */
	uint64_t policy_version; /* 0: none */

	struct home homes[WR_ITEM_RELAYS];
	struct wr_map
		shunned; /* identities' hashes: homes that did not answer; emptied now and then */
	struct wr_instant unshun_at;
	unsigned stranded; /* looks at which there was no way to somebody, nor an open member */
	struct wr_instant stranded_due;
	struct wr_endpoint observed; /* where an open member hears us; family none: not known */
	struct wr_key observer;      /* its identity */

	/* Who was a member when we ended last: visited until gossip knows it. */
	struct wr_bytes *past;
	size_t past_count, past_at;
	unsigned past_rounds; /* while we were not alone */
	struct wr_instant past_due;
	unsigned knock_round; /* at the invitation's contacts */
	struct wr_instant knock_due;

	struct wr_instant grace_until; /* the mesh was just closed: certificates are on their way */
	struct wr_instant settled_at;  /* when claims are looked at again */
	struct wr_instant l2_due;      /* its table is compared with what it should be */
	struct wr_instant expiry_due;  /* somebody's certificate ends */

	uv_timer_t gossip_timer, map_timer, tick, save_timer;
	uint64_t generation; /* of maps */
	struct wr_map_pace map_pace;
	bool map_is_due;
	struct wr_instant trim_at; /* what maps took is given back; 0: nothing was */
	bool is_running_gossip;
	bool is_up; /* all parts are there */
	bool is_ending;
};

/* The time of day, since 1970: what certificates and claims speak of. */
static inline uint64_t zc_seconds(void)
{
	return wr_clock_wall().ns / 1000000000;
}

/* --- hooks.c: the node and the discovery --- */
int zc_open_node(struct wr_zeroconf *zc, char ret_why[200]) WR_MUST_CHECK;
int zc_open_discovery(struct wr_zeroconf *zc, char ret_why[200]) WR_MUST_CHECK;
/* The interface is there, perhaps another than before: what hangs from it is opened. */
void zc_port_opened(void *context, uint16_t port);

/* --- roster.c: peers --- */
void zc_roster_start(struct wr_zeroconf *zc);
void zc_roster_done(struct wr_zeroconf *zc);
struct contact *zc_find(const struct wr_zeroconf *zc, const struct wr_key *identity);
struct contact *zc_find_key(const struct wr_zeroconf *zc, const struct wr_key *public_key);
struct contact *zc_find_v6(const struct wr_zeroconf *zc, const struct wr_ip *v6);
/* What gossip has of it, read; false if it has none. */
bool zc_record_of(const struct wr_zeroconf *zc, const struct wr_key *identity,
		  struct wr_record *ret_record) WR_MUST_CHECK;
struct contact *zc_next(const struct wr_zeroconf *zc, size_t *at);
/* Finds or makes it; NULL where memory is short, or the identity is none. */
struct contact *zc_meet(struct wr_zeroconf *zc, const struct wr_key *identity);
/* It is gone, if it is neither a member nor a guest. */
void zc_part(struct wr_zeroconf *zc, struct contact *contact);

/* --- guests.c: who is a peer before it is a member --- */
void zc_knocked(void *context, const struct wr_knock *knock, const struct wr_endpoint *from);
/* It is a guest no more; a member, or gone. */
void zc_end_visit(struct wr_zeroconf *zc, struct contact *contact);
/* If that is due: the map has it. */
void zc_wake_guest(struct wr_zeroconf *zc, struct contact *contact);
void zc_shook(void *context, const struct wr_key *public_key);
/* Where its record says that it is; now and then. */
void zc_knock_at(struct wr_zeroconf *zc, struct contact *contact);
/* Its candidates, at once. */
void zc_knock_at_record(struct wr_zeroconf *zc, const struct wr_record *record);
/* A peer for a while; NULL if there are too many. `seen`: where it is; NULL: not known. */
struct contact *zc_invite_guest(struct wr_zeroconf *zc, const struct wr_key *identity,
				const struct wr_endpoint *seen);
/* Shakes hands with it, wherever it may be, as soon as it is in the map. */
void zc_wake_soon(struct wr_zeroconf *zc, struct contact *contact);
/* Nobody else is known to be alive. */
bool zc_is_alone(const struct wr_zeroconf *zc);
/* Those whose time is over; those of the past and the invitation's contacts are tried. */
void zc_tend_guests(struct wr_zeroconf *zc);

/* --- past.c: who was a member when we ended last --- */
int zc_load_past(struct wr_zeroconf *zc) WR_MUST_CHECK;
/* The record of one of the past; false if it is none. */
bool zc_find_past(const struct wr_zeroconf *zc, const struct wr_key *identity,
		  struct wr_bytes *ret_record) WR_MUST_CHECK;
/* If that is due. */
void zc_visit_past(struct wr_zeroconf *zc);
void zc_forget_past(struct wr_zeroconf *zc);

/* --- carriage.c: gossip's frames and the door's messages, in the tunnels --- */
void zc_start_carriage(struct wr_zeroconf *zc);
/* The interface is there, perhaps another than before. */
int zc_open_carriage(struct wr_zeroconf *zc) WR_MUST_CHECK;
void zc_close_carriage(struct wr_zeroconf *zc);
/* Does what gossip wants done, and sets its timer. */
void zc_run_gossip(struct wr_zeroconf *zc);
void zc_send(struct wr_zeroconf *zc, const struct contact *to, struct wr_bytes datagram);

/* --- self.c: our own record --- */
/* Makes it anew and tells it, with a version of at least that. */
void zc_renew_record(struct wr_zeroconf *zc, uint64_t version);
/* The same, soon, if it would say something else. */
void zc_review_record(struct wr_zeroconf *zc);
/* Says farewell. */
void zc_say_farewell(struct wr_zeroconf *zc);
/* Another name or address, if somebody else has ours. */
void zc_settle_own(struct wr_zeroconf *zc, bool has_name, bool has_v4);
/* Whether we can be reached by who has never heard of us. */
bool zc_is_open(const struct wr_zeroconf *zc);

/* --- map.c, map_draft.c --- */
/* The map is made anew, soon. */
void zc_touch_map(struct wr_zeroconf *zc);
void zc_make_map(uv_timer_t *timer);
/* A new one, with the next number; NULL where memory is short, or the policy cannot be put into it.
 * Whether we have the name and the IPv4 address that we claim, if that is known. */
struct wr_netmap *zc_draft_map(struct wr_zeroconf *zc, bool *ret_has_name, bool *ret_has_v4);
/* What rules call a member: its name, if that is in its certificate. */
const char *zc_rule_name(const char *certified, const char *name, const char *uid);
/* What gossip says of a member changed. */
void zc_member_changed(struct wr_zeroconf *zc, const struct wr_key *identity);

/* --- routes.c --- */
/* Of peers of a map that is made: of one that several offer the first has it. False where memory is
 * short. */
bool zc_settle_routes(struct wr_netmap *map) WR_MUST_CHECK;

/* --- rules.c: the policy, for the map --- */
struct zc_rules; /* of one map */
/* Reserved: of who is a peer, but no member that is alive. */
#define ZC_GUEST_TAG "_guest"
/* `members` are the map's peers, and ourselves as the last. NULL where memory is short. */
struct zc_rules *zc_rules_new(struct wr_zeroconf *zc, const struct wr_member *members,
			      const struct wr_view_routes *routes, size_t count, bool has_guests);
struct zc_rules *zc_rules_free(struct zc_rules *rules);
/* A new string. */
char *zc_rules_text(struct zc_rules *rules);
/* Marks of a peer; a new array, or NULL. */
uint32_t *zc_rules_marks(struct zc_rules *rules, size_t peer, size_t *ret_count);

/* --- homes.c: members that relay for us --- */
void zc_tend_homes(struct wr_zeroconf *zc);
/* Those that work, into our record. */
void zc_tell_homes(const struct wr_zeroconf *zc, struct wr_record *record);

/* --- relays.c: who relays for whom --- */
bool zc_relays(const struct wr_record *record);
/* And can be reached by everybody. */
bool zc_is_open_relay(const struct wr_record *record);
/* For each peer of the map: which members relay. */
void zc_set_relays(struct wr_zeroconf *zc);
bool zc_may_relay(void *context, const struct wr_key *from, const struct wr_key *to);
/* Open members answer STUN on their port. */
size_t zc_observers(void *context, struct wr_endpoint *ret_endpoints, size_t max);
bool zc_is_home(const struct wr_zeroconf *zc, const struct wr_key *identity);
void zc_observed(void *context, const struct wr_key *by, const struct wr_endpoint *us);

/* --- door.c: who comes into a closed mesh --- */
void zc_take_door(struct wr_zeroconf *zc, struct contact *from, struct wr_bytes datagram);
/* As far as we know: an invitation into a closed mesh that was not answered yet says that we are
 * not. */
bool zc_is_in(struct wr_zeroconf *zc);
/* Asks the member to let us in, if that is needed. True if it was. */
bool zc_plead(struct wr_zeroconf *zc, const struct contact *with);
/* The same, of some, now and then. */
void zc_tend_door(struct wr_zeroconf *zc);
/* It need not ask again. */
void zc_tell_admitted(struct wr_zeroconf *zc, const struct wr_key *identity);
/* The last that it hears of us. */
void zc_tell_revoked(struct wr_zeroconf *zc, const struct wr_key *identity);
/* A frame came from somebody whom the mesh does not admit. */
void zc_turn_away(struct wr_zeroconf *zc, struct contact *guest);

/* --- trust.c: items of the founder, and who is admitted --- */
int zc_open_trust(struct wr_zeroconf *zc) WR_MUST_CHECK;
bool zc_check(void *context, struct wr_bytes item);
bool zc_admits(void *context, const struct wr_key *identity);
/* A new item of the founder is in force. */
void zc_take_item(struct wr_zeroconf *zc, struct wr_bytes item);
/* Looks whether we are admitted; asks at the door if not. */
void zc_review_trust(struct wr_zeroconf *zc);
/* The newest policy that is whole is in force. */
void zc_take_policy(struct wr_zeroconf *zc);

/* --- founder.c: what only the founder's machine does. 0, or a negative errno and one line --- */
int zc_found(struct wr_zeroconf *zc, bool is_closed, char ret_why[200]) WR_MUST_CHECK;
int zc_certify(struct wr_zeroconf *zc, const struct wr_key *identity,
	       const struct wr_certificate *certificate, char ret_why[200]) WR_MUST_CHECK;
int zc_revoke(struct wr_zeroconf *zc, const struct wr_key *identity, char ret_why[200])
	WR_MUST_CHECK;
int zc_close_mesh(struct wr_zeroconf *zc, size_t *ret_count, char ret_why[200]) WR_MUST_CHECK;
/* The second half of closing. */
void zc_tend_founder(struct wr_zeroconf *zc);
int zc_publish_policy(struct wr_zeroconf *zc, const char *text, uint64_t *ret_version,
		      char ret_why[200]) WR_MUST_CHECK;
/* One use of an invitation of ours: its certificate. Or why not. */
enum wr_door_reason zc_redeem(struct wr_zeroconf *zc, const struct wr_door *plea,
			      const struct wr_item *guest);
/* The name, if nobody else has it: into a certificate, so that rules can speak of it. Else "". */
void zc_take_free_name(const struct wr_zeroconf *zc, const struct wr_key *identity,
		       const char *name, struct wr_certificate *certificate);
struct wr_mesh_invitation *zc_find_invitation(struct wr_zeroconf *zc,
					      const uint8_t id[WR_INVITATION_ID_LEN]);
void zc_drop_invitation(struct wr_zeroconf *zc, struct wr_mesh_invitation *invitation);

/* --- invite.c --- */
/* `id` and `secret` NULL: the mesh is not closed. */
int zc_make_invitation(struct wr_zeroconf *zc, const struct wr_mesh_invitation *admission,
		       uint64_t expires, char ret_text[WR_INVITATION_TEXT_LEN]) WR_MUST_CHECK;

/* --- keep.c: on disk --- */
void zc_save_soon(struct wr_zeroconf *zc);
void zc_save_now(struct wr_zeroconf *zc);
void zc_save_state(struct wr_zeroconf *zc);

/* --- calls.c, describe.c: what people ask --- */
/* Answers with what a negative errno of founder.c is in HTTP. */
void zc_refuse(struct wr_http_request *request, int error, const char *why);
/* NULL: it was no object, and was answered so. */
json_t *zc_read_body(struct wr_http_request *request);
/* What a call wants of a certificate, for how many seconds (0: for ever). 0; or -EINVAL and why. */
int zc_read_wish(const json_t *object, struct wr_certificate *ret_wish, uint64_t *ret_span,
		 char ret_why[200]) WR_MUST_CHECK;
/* calls_admission.c, calls_invite.c */
void zc_post_invite(void *context, struct wr_http_request *request);
void zc_get_invitations(void *context, struct wr_http_request *request);
void zc_post_admit(void *context, struct wr_http_request *request);
void zc_post_revoke(void *context, struct wr_http_request *request);
extern const struct wr_node_call zc_calls[];
extern const size_t zc_call_count;
void zc_describe(void *context, json_t *status);
void zc_describe_peer(void *context, const struct wr_netmap_peer *peer, json_t *status);

/* --- measure.c --- */
void zc_measure(void *context, struct wr_metrics *metrics);

/* --- layer2.c --- */
int zc_open_l2(struct wr_zeroconf *zc, char ret_why[200]) WR_MUST_CHECK;
void zc_tend_l2(struct wr_zeroconf *zc);
