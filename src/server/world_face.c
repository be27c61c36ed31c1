/* Texts of maps: parts that many share. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "mesh/netmap.h"
#include "server/world_state.h"

/* --- Small parts. --- */

static bool print_key(const struct wr_key *key, struct wr_buffer *out)
{
	char text[WR_KEY_BASE64_LEN + 1];

	wr_key_to_base64(key, text);
	return wr_buffer_print(out, "\"public_key\":\"%s\"", text);
}

static bool print_addresses(const struct wr_ip *v4, const struct wr_ip *v6, struct wr_buffer *out)
{
	const struct wr_ip *ips[] = { v4, v6 };
	const char *comma = "";
	bool is_whole = wr_buffer_print(out, "\"addresses\":[");

	for (size_t i = 0; i < WR_ARRAY_LEN(ips) && is_whole; i++) {
		char text[WR_ENDPOINT_TEXT_LEN];

		if (ips[i]->family == WR_FAMILY_NONE)
			continue;
		wr_ip_format(ips[i], text);
		is_whole = wr_buffer_print(out, "%s\"%s\"", comma, text);
		comma = ",";
	}
	return is_whole && wr_buffer_add(out, "]", 1);
}

static bool print_prefixes(const char *name, const struct wr_prefix *prefixes, size_t count,
			   struct wr_buffer *out)
{
	bool is_whole = wr_buffer_print(out, "\"%s\":[", name);

	for (size_t i = 0; i < count && is_whole; i++) {
		char text[WR_ENDPOINT_TEXT_LEN];

		wr_prefix_format(&prefixes[i], text);
		is_whole = wr_buffer_print(out, "%s\"%s\"", i ? "," : "", text);
	}
	return is_whole && wr_buffer_add(out, "]", 1);
}

/* --- A face. --- */

static bool print_head(const struct wr_face *face, struct wr_buffer *out)
{
	const struct wr_reading_machine *entry = face->entry;

	return wr_buffer_print(out, "{\"machine\":\"%s\",\"name\":\"%s\",", entry->uid,
			       entry->name) &&
	       print_key(&entry->public_key, out) && wr_buffer_add(out, ",", 1) &&
	       print_addresses(&entry->v4, &entry->v6, out) && wr_buffer_add(out, ",", 1) &&
	       print_prefixes("routes", entry->routes.items, entry->routes.count, out) &&
	       wr_buffer_print(out, ",\"online\":%s", face->is_online ? "true" : "false");
}

static bool print_candidate(const struct wr_candidate *candidate, bool is_first,
			    struct wr_buffer *out)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_endpoint_format(&candidate->endpoint, text);
	return wr_buffer_print(out, "%s{\"kind\":\"%s\",\"endpoint\":\"%s\"}", is_first ? "" : ",",
			       wr_candidate_kind_name(candidate->kind), text);
}

static bool has_reported(const struct wr_face *face, const struct wr_endpoint *endpoint)
{
	for (size_t i = 0; i < face->reported_count; i++) {
		if (wr_endpoint_equal_remote(&face->reported[i].endpoint, endpoint))
			return true;
	}
	return false;
}

/* What the hub sees has a place among them in any case. */
static bool print_candidates(const struct wr_face *face, struct wr_buffer *out)
{
	const struct wr_candidate observed = { WR_CANDIDATE_OBSERVED, face->observed };
	bool is_more = face->observed.ip.family != WR_FAMILY_NONE &&
		       !has_reported(face, &face->observed);
	size_t most = is_more ? WR_PATH_CANDIDATES - 1 : WR_PATH_CANDIDATES;
	size_t count = face->reported_count < most ? face->reported_count : most;
	bool is_whole = wr_buffer_print(out, "\"candidates\":[");

	for (size_t i = 0; i < count && is_whole; i++)
		is_whole = print_candidate(&face->reported[i], i == 0, out);
	if (is_more && is_whole)
		is_whole = print_candidate(&observed, count == 0, out);
	return is_whole && wr_buffer_add(out, "]", 1);
}

/* A text of its own, of just its size. */
static char *take_text(struct wr_buffer *buffer, size_t *ret_len)
{
	char *text = malloc(buffer->len + 1);

	if (text) {
		memcpy(text, buffer->data, buffer->len);
		text[buffer->len] = '\0';
		*ret_len = buffer->len;
	}
	return text;
}

bool wr_face_print(struct wr_face *face)
{
	struct wr_buffer head = { 0 }, candidates = { 0 };
	char *head_text = NULL, *candidates_text = NULL;

	if (print_head(face, &head) && print_candidates(face, &candidates)) {
		head_text = take_text(&head, &face->head_len);
		candidates_text = take_text(&candidates, &face->candidates_len);
	}
	wr_buffer_done(&head);
	wr_buffer_done(&candidates);
	if (!head_text || !candidates_text) {
		free(head_text);
		free(candidates_text);
		return false;
	}
	face->head = head_text;
	face->candidates = candidates_text;
	face->head_sum = wr_sum_of("head", head_text, face->head_len);
	face->candidates_sum = wr_sum_of("candidates", candidates_text, face->candidates_len);
	return true;
}

void wr_face_free(struct wr_face *face)
{
	free(face->head);
	free(face->candidates);
	free(face);
}

struct wr_world_sum wr_face_sum(const struct wr_face *face, const struct wr_way_kind *kind)
{
	struct wr_world_sum sum = wr_sum_mix(face->head_sum, kind->sum);

	return kind->is_direct ? wr_sum_mix(sum, face->candidates_sum) : sum;
}

bool wr_face_print_peer(const struct wr_face *face, const struct wr_way_kind *kind,
			struct wr_buffer *out)
{
	static const char none[] = ",\"candidates\":[]}";
	size_t len = face->head_len + kind->len + face->candidates_len + sizeof(none) + 4;
	uint8_t *start = wr_buffer_reserve(out, len), *at = start;

	if (!at)
		return false;
	at = mempcpy(at, face->head, face->head_len);
	*at++ = ',';
	at = mempcpy(at, kind->text, kind->len);
	if (kind->is_direct) {
		*at++ = ',';
		at = mempcpy(at, face->candidates, face->candidates_len);
		*at++ = '}';
	} else {
		at = mempcpy(at, none, sizeof(none) - 1);
	}
	out->len += (size_t)(at - start);
	return true;
}

/* --- What stands before the peers. --- */

bool wr_face_print_self(const struct wr_reading_machine *machine, struct wr_buffer *out)
{
	return wr_buffer_print(out, "\"self\":{\"machine\":\"%s\",\"name\":\"%s\",", machine->uid,
			       machine->name) &&
	       print_key(&machine->public_key, out) && wr_buffer_add(out, ",", 1) &&
	       print_addresses(&machine->v4, &machine->v6, out) && wr_buffer_add(out, ",", 1) &&
	       print_prefixes("routes", machine->approved.items, machine->approved.count, out) &&
	       wr_buffer_add(out, "}", 1);
}

static bool print_endpoints(const struct wr_world_hub *hub, struct wr_buffer *out)
{
	const char *comma = "";
	bool is_whole = wr_buffer_print(out, "\"endpoints\":[");

	for (size_t i = 0; i < WR_ARRAY_LEN(hub->endpoints) && is_whole; i++) {
		char text[WR_ENDPOINT_TEXT_LEN];

		if (hub->endpoints[i].ip.family == WR_FAMILY_NONE)
			continue;
		wr_endpoint_format(&hub->endpoints[i], text);
		is_whole = wr_buffer_print(out, "%s\"%s\"", comma, text);
		comma = ",";
	}
	return is_whole && wr_buffer_add(out, "]", 1);
}

bool wr_world_print_shared(const struct wr_reading *reading, const struct wr_world_hub *hub,
			   struct wr_buffer *out)
{
	struct wr_prefix ranges[2];
	size_t count = 0;

	if (reading->range4.ip.family != WR_FAMILY_NONE)
		ranges[count++] = reading->range4;
	if (reading->range6.ip.family != WR_FAMILY_NONE)
		ranges[count++] = reading->range6;
	return wr_buffer_print(out, "\"network\":{\"name\":\"%s\",\"suffix\":\"%s\",",
			       reading->label, reading->suffix) &&
	       print_prefixes("ranges", ranges, count, out) &&
	       wr_buffer_print(out, "},\"hub\":{") && print_key(&reading->hub_key, out) &&
	       wr_buffer_add(out, ",", 1) &&
	       print_addresses(&reading->hub_v4, &reading->hub_v6, out) &&
	       wr_buffer_add(out, ",", 1) && print_endpoints(hub, out) &&
	       wr_buffer_print(out, ",\"stun_port\":%u}", hub->stun_port);
}

/* --- Candidates at rest. --- */

char *wr_candidates_text(const struct wr_candidate *candidates, size_t count)
{
	json_t *list = json_array();
	char *text;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, wr_netmap_candidate_json(&candidates[i]));
	text = list ? json_dumps(list, JSON_COMPACT) : NULL;
	json_decref(list);
	return text;
}

size_t wr_candidates_read(const char *text, struct wr_candidate ret_candidates[WR_PATH_CANDIDATES])
{
	json_t *list = text ? json_loads(text, 0, NULL) : NULL, *item;
	size_t count = 0, at;

	json_array_foreach(list, at, item)
	{
		if (count < WR_PATH_CANDIDATES)
			count += wr_netmap_candidate_parse(item, &ret_candidates[count]);
	}
	json_decref(list);
	return count;
}
