#include "link.h"

#include "crypto/crypto.h"
#include "wg/rotation.h"

static const struct wr_siphash_key hash_key = { { 1, 2, 3 } };

struct wr_key test_private_key(uint8_t number)
{
	struct wr_key key = { { number, number, 1 } };

	wr_x25519_clamp(&key);
	return key;
}

struct wr_endpoint test_endpoint(const char *text)
{
	struct wr_endpoint endpoint;

	assert_true(wr_endpoint_parse(text, strlen(text), &endpoint));
	return endpoint;
}

struct wr_entropy link_entropy(struct link *link)
{
	struct wr_entropy entropy;

	unit_random_bytes(&link->random, &entropy, sizeof(entropy));
	return entropy;
}

void end_start(struct end *end, uint8_t key, const char *address)
{
	*end = (struct end){ .private_key = test_private_key(key),
			     .address = test_endpoint(address) };
	end->port = wr_port_new(&wr_timing_paper, &hash_key);
	assert_non_null(end->port);
	end->device = wr_device_new(end->port);
	assert_non_null(end->device);
	assert_int_equal(wr_device_set_private_key(end->device, &end->private_key), 0);
	wr_device_set_up(end->device, true, (struct wr_instant){ 1000 * S });
}

struct wr_peer *end_add_peer(struct end *end, const struct end *other)
{
	struct wr_key public_key = wr_x25519_public(&other->private_key);
	struct wr_peer *peer = wr_device_add_peer(end->device, &public_key);

	assert_non_null(peer);
	wr_peer_set_endpoint(peer, &other->address);
	return peer;
}

void link_start(struct link *link)
{
	assert_int_equal(wr_crypto_start(), 0);
	link->moment = (struct wr_moment){ { 1000 * S }, { 1700000000 * S } };
	link->random = unit_random_start("link");
	end_start(&link->a, 10, "192.0.2.1:1000");
	end_start(&link->b, 20, "192.0.2.2:2000");
	link->a.peer = end_add_peer(&link->a, &link->b);
	link->b.peer = end_add_peer(&link->b, &link->a);
}

static void reclaim(struct wr_port *port)
{
	struct wr_retire_list retired = wr_port_take_retired(port);

	wr_port_forget(port);
	wr_retire_free_all(&retired);
}

void link_end(struct link *link)
{
	wr_port_free(link->a.port);
	wr_port_free(link->b.port);
}

void link_advance(struct link *link, uint64_t ns)
{
	link->moment.now.ns += ns;
	link->moment.wall.ns += ns;
	reclaim(link->a.port);
	reclaim(link->b.port);
}

bool end_poll(struct link *link, struct end *end, struct wr_output *ret)
{
	struct wr_entropy entropy = link_entropy(link);

	return wr_port_poll(end->port, &link->moment, &entropy, ret);
}

bool end_wait(struct link *link, struct end *end, uint64_t ns, struct wr_output *ret)
{
	uint64_t until = link_now(link) + ns;

	while (!end_poll(link, end, ret)) {
		struct wr_instant deadline = wr_port_deadline(end->port);

		assert_true(deadline.ns > link_now(link));
		if (deadline.ns > until) {
			link_advance(link, until - link_now(link));
			return false;
		}
		link_advance(link, deadline.ns - link_now(link));
	}
	return true;
}

void end_is_quiet(struct link *link, struct end *end)
{
	struct wr_output output;

	assert_false(end_poll(link, end, &output));
}

enum wr_verdict end_input_from(struct link *link, struct end *end, const struct wr_endpoint *from,
			       const struct wr_output *datagram, bool under_load,
			       struct wr_output *ret)
{
	struct wr_entropy entropy = link_entropy(link);

	return wr_port_input(end->port, (struct wr_bytes){ datagram->datagram, datagram->len },
			     from, under_load, &link->moment, &entropy, ret);
}

enum wr_verdict end_input(struct link *link, struct end *end, const struct wr_output *datagram,
			  struct wr_output *ret)
{
	struct end *other = end == &link->a ? &link->b : &link->a;

	return end_input_from(link, end, &other->address, datagram, false, ret);
}

void end_ask(struct end *end)
{
	wr_peer_ask(end->peer, WR_ATTENTION_HANDSHAKE);
}

void assert_peer_is_at(const struct wr_peer *peer, const struct wr_endpoint *endpoint)
{
	struct wr_endpoint known;

	assert_true(wr_peer_endpoint(peer, &known));
	assert_true(wr_endpoint_equal(&known, endpoint));
}

void end_initiate(struct link *link, struct end *end, struct wr_output *ret_initiation)
{
	end_ask(end);
	do
		assert_true(end_poll(link, end, ret_initiation));
	while (ret_initiation->kind == WR_OUTPUT_SESSION);
	assert_int_equal(ret_initiation->kind, WR_OUTPUT_DATAGRAM);
	assert_int_equal(ret_initiation->len, WR_INITIATION_LEN);
	assert_ptr_equal(ret_initiation->peer, end->peer);
	assert_peer_is_at(end->peer, &ret_initiation->to);
}

void link_handshake(struct link *link, struct end *from)
{
	struct end *to = from == &link->a ? &link->b : &link->a;
	struct wr_output initiation, response, session;

	end_initiate(link, from, &initiation);
	assert_int_equal(end_input(link, to, &initiation, &response), WR_TAKEN);
	assert_int_equal(response.kind, WR_OUTPUT_DATAGRAM);
	assert_int_equal(response.len, WR_RESPONSE_LEN);
	assert_int_equal(end_input(link, from, &response, &session), WR_TAKEN);
	assert_int_equal(session.kind, WR_OUTPUT_SESSION);
	assert_ptr_equal(session.peer, from->peer);
	assert_true(session.needs_keepalive);

	link_packet(link, from, false, true);
	assert_true(end_poll(link, to, &session));
	assert_int_equal(session.kind, WR_OUTPUT_SESSION);
	assert_false(session.needs_keepalive);
	assert_non_null(end_session(link, to));
}

static uint64_t bytes_of(bool has_data)
{
	return has_data ? 128 : WR_KEEPALIVE_LEN;
}

/* Its counter. */
static uint64_t seal(struct link *link, struct end *from, struct wr_session *session, bool has_data)
{
	uint64_t counter;

	assert_true(wr_session_take_counters(session, 1, &counter));
	wr_peer_note_sent(from->peer, session, link->moment.now, bytes_of(has_data), has_data);
	return counter;
}

void link_packet(struct link *link, struct end *from, bool has_data, bool arrives)
{
	struct wr_session *session = end_session(link, from);

	assert_non_null(session);
	if (arrives)
		link_packet_on(link, from, session, has_data);
	else
		seal(link, from, session, has_data);
}

void link_packet_on(struct link *link, struct end *from, struct wr_session *session, bool has_data)
{
	struct end *to = from == &link->a ? &link->b : &link->a;
	uint64_t counter = seal(link, from, session, has_data);
	struct wr_index_entry *entry = wr_index_find(&to->port->indices, session->remote_index);
	struct wr_session *receiver;

	assert_non_null(entry);
	assert_int_equal(entry->kind, WR_INDEX_SESSION);
	receiver = WR_CONTAINER_OF(entry, struct wr_session, index);
	assert_memory_equal(&receiver->receive_key, &session->send_key, WR_KEY_LEN);
	assert_true(wr_replay_accept(&receiver->replay, counter));
	wr_peer_note_received(to->peer, receiver, link->moment.now, bytes_of(has_data), has_data);
}

struct wr_session *end_session(const struct link *link, const struct end *end)
{
	return wr_peer_session(end->peer, link->moment.now);
}

uint64_t end_note(const _Atomic uint64_t *note)
{
	return atomic_load(note);
}

static void carry_out(struct link *link, struct end *end, const struct wr_output *output)
{
	struct end *other = end == &link->a ? &link->b : &link->a;
	struct wr_output answer;

	if (output->kind == WR_OUTPUT_DATAGRAM) {
		(void)!end_input(link, other, output, &answer);
		if (answer.kind != WR_OUTPUT_NONE)
			carry_out(link, other, &answer);
	} else if (output->kind == WR_OUTPUT_KEEPALIVE || output->needs_keepalive) {
		link_packet(link, end, false, true);
	}
}

static bool play(struct link *link, struct end *end)
{
	struct wr_output output;

	if (!end_poll(link, end, &output))
		return false;
	assert_int_not_equal(output.kind, WR_OUTPUT_GIVE_UP);
	carry_out(link, end, &output);
	return true;
}

void link_pump(struct link *link, uint64_t ns)
{
	struct wr_instant until = { link_now(link) + ns };
	struct wr_instant next;

	for (;;) {
		while (play(link, &link->a) || play(link, &link->b))
			;
		next = wr_sooner(wr_port_deadline(link->a.port), wr_port_deadline(link->b.port));
		next = wr_sooner(next, until);
		if (next.ns == link_now(link))
			return;
		link_advance(link, next.ns - link_now(link));
	}
}
