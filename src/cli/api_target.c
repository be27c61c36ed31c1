/* Which server is asked, and as whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/key.h"
#include "cli/api.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "linux/files.h"

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static void use_socket(struct wr_api *api, const char *path)
{
	api->socket = wr_text_new("%s", path);
	api->target.unix_path = api->socket;
}

static int use_credentials(struct wr_api *api)
{
	api->target.url = api->credentials.url;
	api->target.pin = api->credentials.pin;
	api->authorization = wr_text_new("Bearer %s", api->credentials.token);
	return WR_EXIT_DONE;
}

static int use_environment(struct wr_api *api, const char *url)
{
	const char *token = variable("WARREN_TOKEN");
	const char *pin = variable("WARREN_PIN");

	if (!token)
		return wr_complain(
			api->arguments,
			"WARREN_URL needs WARREN_TOKEN (make one: warren token create NAME)");
	api->credentials.url = wr_text_new("%s", url);
	api->credentials.token = wr_text_new("%s", token);
	api->credentials.pin = pin ? wr_text_new("%s", pin) : NULL;
	return use_credentials(api);
}

static int use_local(struct wr_api *api)
{
	WR_AUTO(wr_text_freep) char *data = wr_settings_data(getenv);
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/warren.sock", data);

	use_socket(api, path);
	return WR_EXIT_DONE;
}

static int explain_credentials(const struct wr_api *api, int error)
{
	WR_AUTO(wr_text_freep) char *path = wr_credentials_path();

	if (error == -EPERM)
		return wr_complain(api->arguments, "others may read %s: chmod 600 it", path);
	if (error == -EBADMSG)
		return wr_complain(api->arguments, "%s is damaged: log in again (warren login URL)",
				   path);
	return wr_complain(api->arguments, "cannot read %s: %s", path, strerror(-error));
}

static int find_target(struct wr_api *api)
{
	const char *path = wr_value_of(api->arguments, "socket");
	int status;

	path = path ? path : variable("WARREN_SOCKET");
	if (path) {
		use_socket(api, path);
		return WR_EXIT_DONE;
	}
	if (variable("WARREN_URL"))
		return use_environment(api, variable("WARREN_URL"));
	status = wr_credentials_load(&api->credentials);
	if (status == 0)
		return use_credentials(api);
	return status == -ENOENT ? use_local(api) : explain_credentials(api, status);
}

bool wr_api_has_server(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_text_freep) char *data = wr_settings_data(getenv);
	WR_AUTO(wr_text_freep) char *socket = wr_text_new("%s/warren.sock", data);
	WR_AUTO(wr_text_freep) char *credentials = wr_credentials_path();

	return wr_is_given(arguments, "socket") || wr_is_given(arguments, "org") ||
	       variable("WARREN_SOCKET") || variable("WARREN_URL") || variable("WARREN_ORG") ||
	       access(credentials, F_OK) == 0 || access(socket, F_OK) == 0;
}

int wr_api_open(const struct wr_arguments *arguments, struct wr_api *ret_api)
{
	struct wr_api api = { .arguments = arguments };
	int status = find_target(&api);

	if (status == WR_EXIT_DONE)
		*ret_api = api;
	else
		wr_api_done(&api);
	return status;
}

void wr_api_done(struct wr_api *api)
{
	wr_credentials_done(&api->credentials);
	wr_password_freep(&api->authorization);
	free(api->socket);
	free(api->org);
}

int wr_api_open_org(const struct wr_arguments *arguments, struct wr_api *ret_api)
{
	int status = wr_api_open(arguments, ret_api);

	return status == WR_EXIT_DONE ? wr_api_find_org(ret_api) : status;
}

static int refuse_orgs(const struct wr_api *api, const json_t *orgs)
{
	if (json_array_size(orgs) == 0)
		return wr_complain(api->arguments, "there is no organisation yet (make one: warren "
						   "org create NAME)");
	return wr_complain(api->arguments,
			   "there are several organisations, such as %s and %s: say --org ORG",
			   wr_json_text(json_array_get(orgs, 0), "label"),
			   wr_json_text(json_array_get(orgs, 1), "label"));
}

int wr_api_find_org(struct wr_api *api)
{
	const char *wanted = wr_value_of(api->arguments, "org");
	WR_AUTO(wr_json_freep) json_t *orgs = NULL;
	int status;

	wanted = wanted ? wanted : variable("WARREN_ORG");
	if (wanted) {
		api->org = wr_text_new("%s", wanted);
		return WR_EXIT_DONE;
	}
	status = wr_api_list(api, wr_api_path("/orgs"), 2, &orgs);
	if (status != WR_EXIT_DONE)
		return status;
	if (json_array_size(orgs) != 1)
		return refuse_orgs(api, orgs);
	api->org = wr_text_new("%s", wr_json_text(json_array_get(orgs, 0), "label"));
	return WR_EXIT_DONE;
}
