/* Verbs that give a machine its configuration: it is shown once, and goes to standard output,
 * to a file or into a QR code. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/key.h"
#include "cli/machine.h"
#include "cli/qr.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "linux/files.h"

#define OUTPUT_OPTIONS \
	WR_ORG_OPTIONS, WR_OPTION_JSON, { 0, "qr", "a QR code, for the WireGuard app" }, \
		{ 'o', "output", "into a new file, mode 0600", "FILE" }, \
	{ \
		0, "public-key", "its public key; the private one stays there", "KEY" \
	}

static const struct wr_option add_options[] = {
	OUTPUT_OPTIONS,
	{ 't', "tag", "a tag; may be given again", "TAG" },
	{ 0, "address", "this address, not the next free one", "ADDRESS" },
	{ 0, "route", "a range behind it; may be given again", "CIDR" },
	{ 0, "expires", "it may join for so long: 12h, 30d", "SPAN" },
	{ 0, "preshared-key", "with a preshared key, too" },
};

static const struct wr_option rotate_options[] = { OUTPUT_OPTIONS };

/* --- Where the configuration goes. --- */

struct output {
	const char *path; /* NULL: standard output */
	int fd;
};

/* Before the call: what is shown once must have a place. */
static int open_output(const struct wr_arguments *arguments, struct output *output)
{
	*output = (struct output){ wr_value_of(arguments, "output"), -1 };
	if (!output->path)
		return WR_EXIT_DONE;
	output->fd = open(output->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (output->fd >= 0)
		return WR_EXIT_DONE;
	return wr_complain(arguments, "cannot write %s: %s%s", output->path, strerror(errno),
			   errno == EEXIST ? " (take another name)" : "");
}

/* `status`: how the call went; an empty file is taken away. Exit status. */
static int close_output(const struct wr_arguments *arguments, struct output *output, int status)
{
	if (output->fd < 0)
		return status;
	if (status == WR_EXIT_DONE && fsync(output->fd) < 0 && errno != EINVAL)
		status = wr_complain(arguments, "cannot write %s: %s", output->path,
				     strerror(errno));
	close(output->fd);
	if (status != WR_EXIT_DONE)
		unlink(output->path);
	return status;
}

static int write_file(const struct wr_arguments *arguments, const struct output *output,
		      const char *config)
{
	int status = wr_file_write(output->fd, config, strlen(config));

	if (status == 0)
		return WR_EXIT_DONE;
	fputs(config, stdout);
	return wr_complain(arguments, "cannot write %s: %s; it is above, and never shown again",
			   output->path, strerror(-status));
}

static int write_qr(const struct wr_arguments *arguments, const char *config)
{
	int status = wr_qr_write(config, wr_terminal_has_colour(stdout), stdout);

	if (status == 0)
		return WR_EXIT_DONE;
	fputs(config, stdout);
	return wr_complain(arguments, "this is too long for a QR code: it is above as text");
}

static int write_config(const struct wr_arguments *arguments, const struct output *output,
			const json_t *machine)
{
	const char *config = wr_json_text(machine, "config");
	int status = WR_EXIT_DONE;

	if (!config)
		return wr_complain(arguments, "the server sent no configuration");
	if (output->path)
		status = write_file(arguments, output, config);
	if (status == WR_EXIT_DONE && wr_is_given(arguments, "qr"))
		return write_qr(arguments, config);
	if (wr_is_given(arguments, "json"))
		wr_api_print(machine);
	else if (!output->path)
		fputs(config, stdout);
	return status;
}

static int check_options(const struct wr_arguments *arguments)
{
	if (wr_is_given(arguments, "qr") && wr_is_given(arguments, "json"))
		return wr_misuse(arguments, "--qr or --json, not both");
	if (wr_is_given(arguments, "qr") && wr_is_given(arguments, "public-key"))
		return wr_misuse(arguments,
				 "a QR code needs the private key, which stays at the machine with "
				 "--public-key");
	return WR_EXIT_DONE;
}

/* One machine's configuration out of one call. Takes `body`; `shape` is the path, with the
 * organisation and the first operand. */
static int configure(const struct wr_arguments *arguments, const char *shape, json_t *body)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_json_freep) json_t *machine = NULL;
	WR_AUTO(wr_json_freep) json_t *taken = body;
	struct output output;
	int status = check_options(arguments);

	if (status == WR_EXIT_DONE)
		status = wr_api_open_org(arguments, &api);
	if (status == WR_EXIT_DONE)
		status = open_output(arguments, &output);
	if (status != WR_EXIT_DONE)
		return status;
	wr_json_set_text(taken, "public_key", wr_value_of(arguments, "public-key"));
	status = wr_api_call(&api, "POST", wr_api_path(shape, api.org, arguments->operands[0]),
			     WR_TAKE(taken), &machine);
	if (status == WR_EXIT_DONE)
		status = write_config(arguments, &output, machine);
	return close_output(arguments, &output, status);
}

/* --- warren machine add --- */

static void set_list(const struct wr_arguments *arguments, const char *option, json_t *body,
		     const char *member)
{
	json_t *list = json_array();
	unsigned at = 0;

	for (const char *value; (value = wr_next_value(arguments, option, &at));)
		json_array_append_new(list, json_string(value));
	if (json_array_size(list) > 0)
		json_object_set(body, member, list);
	json_decref(list);
}

static void set_addresses(const struct wr_arguments *arguments, json_t *body)
{
	unsigned at = 0;

	for (const char *value; (value = wr_next_value(arguments, "address", &at));)
		wr_json_set_text(body, strchr(value, ':') ? "address6" : "address4", value);
}

static int run_add(const struct wr_arguments *arguments)
{
	json_t *body = json_object();

	wr_json_set_text(body, "name", arguments->operands[0]);
	set_addresses(arguments, body);
	set_list(arguments, "tag", body, "tags");
	set_list(arguments, "route", body, "routes");
	wr_json_set_text(body, "expires_in", wr_value_of(arguments, "expires"));
	if (wr_is_given(arguments, "preshared-key"))
		json_object_set_new(body, "with_preshared_key", json_true());
	return configure(arguments, "/orgs/{}/machines", body);
}

const struct wr_verb wr_verb_machine_add = {
	.group = "machine",
	.name = "add",
	.summary = "add a machine; prints its configuration for wg-quick",
	.about = "The private key in it is made for this once: the server does not keep it and\n"
		 "cannot show it again (warren machine rotate makes another). With --public-key\n"
		 "there is none in it: put your own where it says so.\n",
	.options = add_options,
	.option_count = WR_ARRAY_LEN(add_options),
	.operand = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_add,
};

/* --- warren machine rotate --- */

static int run_rotate(const struct wr_arguments *arguments)
{
	return configure(arguments, "/orgs/{}/machines/{}/rotate", json_object());
}

const struct wr_verb wr_verb_machine_rotate = {
	.group = "machine",
	.name = "rotate",
	.summary = "give a machine a new key; prints its new configuration",
	.about = "The old key stops to work at once.\n",
	.options = rotate_options,
	.option_count = WR_ARRAY_LEN(rotate_options),
	.operand = "MACHINE",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_rotate,
};
