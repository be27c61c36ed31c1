/* What one machine's change costs the server, beside sockets: its text, the sums of those who see
 * it, and a delta for each of them.
 *
 *   world MEMBERS CHANGES     prints nanoseconds an affected agent
 *
 * All members have agents that listen; groups of ten see each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/crypto.h"
#include "server/world.h"

#define GROUP 10

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void fill(struct wr_reading *reading, size_t number)
{
	struct wr_reading_machine *machine = wr_reading_add(reading);
	struct wr_member *member = &reading->members[reading->count - 1];
	char tag[32];
	const char *tags[1];

	machine->id = (int64_t)number + 1;
	snprintf(machine->uid, sizeof(machine->uid), "m%019zu", number);
	snprintf(machine->name, sizeof(machine->name), "machine-%zu", number);
	memcpy(machine->public_key.bytes, &number, sizeof(number));
	machine->v4 = member->v4 = (struct wr_ip){
		WR_IPV4, { 10, 100, (uint8_t)((number + 2) >> 8), (uint8_t)(number + 2) }
	};
	machine->is_agent = true;
	snprintf(tag, sizeof(tag), "g%zu", number / GROUP);
	tags[0] = wr_reading_keep(reading, tag, strlen(tag) + 1);
	member->tags = wr_reading_keep(reading, tags, sizeof(tags));
	member->tag_count = 1;
}

static struct wr_reading *make(size_t members)
{
	struct wr_reading *reading = wr_reading_new(1);
	struct wr_policy_faults faults;
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	strcpy(reading->epoch, "e1");
	strcpy(reading->label, "acme");
	strcpy(reading->suffix, "acme.warren");
	for (size_t i = 0; i < members; i++)
		fill(reading, i);
	for (size_t i = 0; i < members; i++)
		reading->members[i].name = reading->machines[i].name;
	for (size_t i = 0; i < members / GROUP; i++)
		fprintf(file, "allow tag:g%zu -> tag:g%zu\n", i, i);
	fclose(file);
	reading->policy = wr_policy_parse((struct wr_bytes){ (uint8_t *)text, len }, &faults);
	free(text);
	if (!reading->policy || wr_reading_build(reading) < 0)
		exit(1);
	return reading;
}

static size_t tell(struct wr_world *world, struct wr_buffer *out)
{
	struct wr_listener *listener;
	size_t told = 0;

	while ((listener = wr_world_next(world))) {
		wr_buffer_take(out, out->len);
		told += wr_listener_delta(world, listener, out) == 1;
	}
	return told;
}

int main(int argc, char **argv)
{
	size_t members = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	size_t changes = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
	struct wr_world *world = wr_world_new(&(struct wr_world_hub){ 0 });
	struct wr_buffer out = { 0 };
	uint64_t began;
	size_t told = 0;

	if (!world || wr_crypto_start() < 0 || wr_world_take(world, make(members), NULL, NULL) < 0)
		return 1;
	for (size_t i = 0; i < members; i++) {
		if (!wr_world_listen(world, (int64_t)i + 1, world))
			return 1;
	}
	(void)tell(world, &out);
	began = cpu_ns();
	for (size_t i = 0; i < changes; i++) {
		int64_t machine = (int64_t)(i * 7919 % members) + 1;

		wr_world_set_online(world, machine, !wr_world_is_online(world, machine));
		told += tell(world, &out);
	}
	printf("%.0f\n", (double)(cpu_ns() - began) / (double)told);
	return told == changes * (GROUP - 1) ? 0 : 1;
}
