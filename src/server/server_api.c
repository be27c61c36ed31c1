/* The API opens: certificate and sockets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "http/certificate.h"
#include "server/admit.h"
#include "server/check.h"
#include "server/dispatch.h"
#include "server/server_steps.h"

#define CERTIFICATE "certificate.pem"
#define CERTIFICATE_KEY "certificate-key.pem"

/* Fifty programs that add machines, and as many streams of events as there may be; of one
 * address too, for a proxy or an office is one. */
static const struct wr_http_limits limits = {
	.body_bytes = WR_CHECK_LONG_BODY_MAX,
	.connections = 4096,
	.per_address = 1024,
	.idle_seconds = 60,
};

/* --- The certificate. --- */

/* "host" of "host:port" or "[host]:port"; false where it is too long. */
static bool host_of(const char *text, char *ret_host, size_t room)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= room)
		return false;
	memcpy(ret_host, text, len);
	ret_host[len] = '\0';
	return true;
}

static bool is_any(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static int make_certificate(const struct wr_server *server, const char *cert_file,
			    const char *key_file)
{
	char own[256] = "", listen[256], endpoint[256];
	const char *names[6] = { "localhost", "127.0.0.1", "::1" };
	size_t count = 3;

	if (gethostname(own, sizeof(own) - 1) == 0 && own[0])
		names[count++] = own;
	if (host_of(server->config.api_listen, listen, sizeof(listen)) && !is_any(listen) &&
	    strcmp(listen, "127.0.0.1") != 0)
		names[count++] = listen;
	if (host_of(server->config.hub_endpoint, endpoint, sizeof(endpoint)))
		names[count++] = endpoint;
	return wr_certificate_make(cert_file, key_file, names, count);
}

/* Our own, under the data folder, made when there is none. */
static int own_certificate(struct wr_server *server)
{
	struct wr_server_config *config = &server->config;

	config->cert_file = wr_server_path(server, CERTIFICATE);
	config->key_file = wr_server_path(server, CERTIFICATE_KEY);
	if (!config->cert_file || !config->key_file)
		return -ENOMEM;
	if (access(config->cert_file, F_OK) == 0 && access(config->key_file, F_OK) == 0)
		return 0;
	return make_certificate(server, config->cert_file, config->key_file);
}

static int find_certificate(struct wr_server *server)
{
	struct wr_server_config *config = &server->config;
	int status = 0;

	if (!config->api_listen || config->is_plain)
		return 0;
	if (!config->cert_file != !config->key_file) {
		wr_log_error("certificate: --cert and --key belong together");
		return -EINVAL;
	}
	if (!config->cert_file)
		status = own_certificate(server);
	if (status == 0)
		status = wr_certificate_pin(config->cert_file, server->pin);
	if (status < 0)
		wr_log_error("certificate: cannot be used: file=%s error=%s",
			     config->cert_file ? config->cert_file : "none", strerror(-status));
	return status;
}

/* --- Plain HTTP. --- */
static bool is_loopback(const char *listen)
{
	char host[256];

	return host_of(listen, host, sizeof(host)) &&
	       (strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
		strcmp(host, "localhost") == 0);
}

static int check_plain(const struct wr_server_config *config)
{
	if (!config->api_listen || !config->is_plain || config->is_behind_proxy ||
	    is_loopback(config->api_listen))
		return 0;
	wr_log_error("api: --plain is for loopback only: listen=%s (behind a proxy that encrypts, "
		     "say --behind-proxy too)",
		     config->api_listen);
	return -EINVAL;
}

/* --- The sockets. --- */
static int name_socket(struct wr_server *server)
{
	const struct sockaddr_un *address = NULL;

	server->socket_path = wr_server_path(server, "warren.sock");
	if (!server->socket_path)
		return -ENOMEM;
	if (strlen(server->socket_path) < sizeof(address->sun_path))
		return 0;
	wr_log_error(
		"data folder: its path is too long for a Unix socket in it (at most %zu bytes): "
		"path=%s",
		sizeof(address->sun_path) - sizeof("/warren.sock"), server->config.data);
	return -ENAMETOOLONG;
}

int wr_server_open_api(struct wr_server *server)
{
	struct wr_http_config http = {
		.listen = server->config.api_listen,
		.trusts_proxy = server->config.is_behind_proxy,
		.limits = limits,
		.handle = wr_dispatch,
		.context = server,
	};
	int status = check_plain(&server->config);

	if (status == 0)
		status = name_socket(server);
	if (status == 0)
		status = find_certificate(server);
	if (status < 0)
		return status;
	http.unix_path = server->socket_path;
	if (!server->config.is_plain) {
		http.cert_file = server->config.cert_file;
		http.key_file = server->config.key_file;
	}
	return wr_http_server_open(server->loop, &http, &server->http);
}

int wr_server_reload(struct wr_server *server)
{
	int status;

	if (!server->pin[0])
		return 0;
	status = wr_http_server_reload(server->http);
	if (status == 0)
		status = wr_certificate_pin(server->config.cert_file, server->pin);
	if (status < 0)
		wr_log_error("certificate: cannot be read again, the old one stays: file=%s "
			     "error=%s",
			     server->config.cert_file, strerror(-status));
	return status;
}
