#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/news.h"
#include "linux/nft.h"
#include "linux/rtnl.h"

/* Names of tables and sets: NFT_NAME_MAXLEN. */
#define SETS_MAX 4096

_Static_assert((int)WR_NFT_INET == NFPROTO_INET && (int)WR_NFT_BRIDGE == NFPROTO_BRIDGE,
	       "as the kernel has them");

/* --- Asking. --- */

struct request {
	_Alignas(struct nlmsghdr) uint8_t bytes[1024];
	struct nlmsghdr *message;
};

static void begin(struct request *request, enum wr_nft_family family, uint16_t type, uint16_t flags)
{
	struct nfgenmsg *header;

	request->message = mnl_nlmsg_put_header(request->bytes);
	request->message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	request->message->nlmsg_flags = NLM_F_REQUEST | flags;
	header = mnl_nlmsg_put_extra_header(request->message, sizeof(*header));
	header->nfgen_family = (uint8_t)family;
	header->version = NFNETLINK_V0;
}

/* -EINTR: the rules changed while they were read. */
static int ask(struct mnl_socket *socket, const struct request *request, mnl_cb_t take, void *data)
{
	return wr_rtnl_ask(socket, request->message, take, data);
}

/* --- The generation. --- */

static int take_id(const struct nlattr *attribute, void *data)
{
	if (mnl_attr_get_type(attribute) == NFTA_GEN_ID &&
	    mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0)
		*(uint32_t *)data = ntohl(mnl_attr_get_u32(attribute));
	return MNL_CB_OK;
}

static int take_generation(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct nfgenmsg), take_id, data) < 0 ? MNL_CB_ERROR
										   : MNL_CB_STOP;
}

int wr_nft_generation(uint32_t *ret_generation)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct request request;
	int status = wr_rtnl_open_bus(NETLINK_NETFILTER, &socket);

	if (status < 0)
		return status;
	begin(&request, WR_NFT_INET, NFT_MSG_GETGEN, 0);
	return ask(socket, &request, take_generation, ret_generation);
}

/* --- The fingerprint. --- */

struct look {
	struct mnl_socket *socket;
	enum wr_nft_family family;
	const char *table;
	uint64_t hash;
	char (*sets)[NFT_NAME_MAXLEN];
	size_t set_count;
	bool is_too_much;
};

/* FNV-1a, 64 bits: this is against accidents and other programs. Who may change the rules may do
 * anything. */
static void add_bytes(struct look *look, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		look->hash = (look->hash ^ at[i]) * UINT64_C(0x100000001b3);
}

/* The header has the generation in it. */
static void add_payload(struct look *look, const struct nlmsghdr *message)
{
	add_bytes(look, mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg)),
		  mnl_nlmsg_get_payload_len(message) - sizeof(struct nfgenmsg));
}

struct text {
	uint16_t type;
	const char *text;
};

static int take_text(const struct nlattr *attribute, void *data)
{
	struct text *text = data;

	if (mnl_attr_get_type(attribute) == text->type &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
		text->text = mnl_attr_get_str(attribute);
	return MNL_CB_OK;
}

/* Of one attribute; "" if there is none. */
static const char *text_of(const struct nlmsghdr *message, uint16_t type)
{
	struct text text = { type, "" };

	(void)mnl_attr_parse(message, sizeof(struct nfgenmsg), take_text, &text);
	return text.text;
}

/* Chains, rules and sets have the name of their table in the same attribute; kernels that do not
 * choose by it send those of all tables. */
static int take_part(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;

	_Static_assert((int)NFTA_CHAIN_TABLE == NFTA_RULE_TABLE &&
			       (int)NFTA_RULE_TABLE == NFTA_SET_TABLE &&
			       (int)NFTA_SET_TABLE == NFTA_SET_ELEM_LIST_TABLE,
		       "one look for all");
	if (strcmp(text_of(message, NFTA_RULE_TABLE), look->table) == 0)
		add_payload(look, message);
	return MNL_CB_OK;
}

static int take_set(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	const char *name = text_of(message, NFTA_SET_NAME);

	if (strcmp(text_of(message, NFTA_SET_TABLE), look->table) != 0)
		return MNL_CB_OK;
	add_payload(look, message);
	if (look->set_count == SETS_MAX || strlen(name) >= NFT_NAME_MAXLEN)
		look->is_too_much = true;
	else
		strcpy(look->sets[look->set_count++], name);
	return MNL_CB_OK;
}

static int look_at(struct look *look, uint16_t type, mnl_cb_t take)
{
	struct request request;

	begin(&request, look->family, type, NLM_F_DUMP);
	mnl_attr_put_strz(request.message, NFTA_RULE_TABLE, look->table);
	return ask(look->socket, &request, take, look);
}

/* -ENOENT if it is not there. */
static int look_at_table(struct look *look)
{
	struct request request;

	begin(&request, look->family, NFT_MSG_GETTABLE, NLM_F_ACK);
	mnl_attr_put_strz(request.message, NFTA_TABLE_NAME, look->table);
	return ask(look->socket, &request, take_part, look);
}

static int look_at_elements(struct look *look, const char *set)
{
	struct request request;

	begin(&request, look->family, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	mnl_attr_put_strz(request.message, NFTA_SET_ELEM_LIST_TABLE, look->table);
	mnl_attr_put_strz(request.message, NFTA_SET_ELEM_LIST_SET, set);
	return ask(look->socket, &request, take_part, look);
}

static int look_at_all(struct look *look)
{
	int status = look_at_table(look);

	if (status == 0)
		status = look_at(look, NFT_MSG_GETCHAIN, take_part);
	if (status == 0)
		status = look_at(look, NFT_MSG_GETRULE, take_part);
	if (status == 0)
		status = look_at(look, NFT_MSG_GETSET, take_set);
	for (size_t i = 0; status == 0 && i < look->set_count; i++)
		status = look_at_elements(look, look->sets[i]);
	return status == 0 && look->is_too_much ? -E2BIG : status;
}

int wr_nft_fingerprint(enum wr_nft_family family, const char *name, uint64_t *ret_fingerprint)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct look look = { .family = family,
			     .table = name,
			     .hash = UINT64_C(0xcbf29ce484222325) };
	int status = wr_rtnl_open_bus(NETLINK_NETFILTER, &socket);

	if (status < 0)
		return status;
	look.socket = socket;
	look.sets = calloc(SETS_MAX, sizeof(*look.sets));
	if (!look.sets)
		return -ENOMEM;
	status = look_at_all(&look);
	free(look.sets);
	if (status == 0)
		*ret_fingerprint = look.hash;
	return status;
}

/* --- Watching. --- */

int wr_nft_watch(int *ret_fd)
{
	return wr_news_watch(NETLINK_NETFILTER, 1u << (NFNLGRP_NFTABLES - 1), ret_fd);
}

bool wr_nft_drain(int fd)
{
	return wr_news_drain(fd);
}
