#include "wire/knock.h"

#include <string.h>

#include "crypto/noise.h"
#include "wire/fields.h"

#define VERSION 1
#define SIGNED_LEN (WR_KNOCK_LEN - WR_MAC_LEN - WR_SIGNATURE_LEN)
#define MACED_LEN (WR_KNOCK_LEN - WR_MAC_LEN)

static const char magic[4] = "WRNK";
static const char context[] = "warren knock 1";

static struct wr_mac mac_of(const struct wr_key *mac_key, const uint8_t *datagram)
{
	return wr_mac16((struct wr_bytes){ mac_key->bytes, WR_KEY_LEN },
			(struct wr_bytes){ datagram, MACED_LEN });
}

static bool is_knock(struct wr_bytes datagram)
{
	return datagram.len == WR_KNOCK_LEN && memcmp(datagram.data, magic, sizeof(magic)) == 0 &&
	       datagram.data[sizeof(magic)] == VERSION;
}

static struct wr_knock read_fields(struct wr_bytes datagram)
{
	struct wr_reader reader = wr_reader_of(datagram);
	struct wr_knock knock;

	wr_read_bytes(&reader, sizeof(magic) + 1);
	knock.flags = wr_read_u8(&reader);
	wr_read_into(&reader, knock.mesh, sizeof(knock.mesh));
	knock.identity = wr_read_key(&reader);
	knock.port = wr_read_be16(&reader);
	knock.knock_port = wr_read_be16(&reader);
	knock.epoch = wr_read_be64(&reader);
	knock.sequence = wr_read_be32(&reader);
	return knock;
}

enum wr_knock_fault wr_knock_read(struct wr_bytes datagram, const uint8_t mesh[WR_MESH_TAG_LEN],
				  const struct wr_key *mac_key, struct wr_knock *ret_knock)
{
	struct wr_knock knock;

	if (!is_knock(datagram))
		return WR_KNOCK_MALFORMED;
	knock = read_fields(datagram);
	if (memcmp(knock.mesh, mesh, sizeof(knock.mesh)) != 0)
		return WR_KNOCK_OTHER_MESH;
	if (!wr_mac_equal(mac_of(mac_key, datagram.data).bytes, datagram.data + MACED_LEN))
		return WR_KNOCK_MAC;
	if (!knock.port || !knock.knock_port || !knock.sequence)
		return WR_KNOCK_MALFORMED;
	*ret_knock = knock;
	return WR_KNOCK_GOOD;
}

bool wr_knock_check(struct wr_bytes datagram)
{
	struct wr_signature signature;
	struct wr_knock knock;

	if (!is_knock(datagram))
		return false;
	knock = read_fields(datagram);
	memcpy(signature.bytes, datagram.data + SIGNED_LEN, sizeof(signature.bytes));
	return wr_sign_check(&knock.identity, context,
			     (struct wr_bytes){ datagram.data, SIGNED_LEN }, &signature);
}

void wr_knock_write(const struct wr_knock *knock, const struct wr_key *seed,
		    const struct wr_key *mac_key, uint8_t ret_datagram[WR_KNOCK_LEN])
{
	struct wr_writer writer = wr_writer_of(ret_datagram, WR_KNOCK_LEN);
	struct wr_key identity = wr_sign_public(seed);
	struct wr_signature signature;

	assert(knock->port && knock->knock_port && knock->sequence);
	wr_write_bytes(&writer, magic, sizeof(magic));
	wr_write_number(&writer, VERSION, 1);
	wr_write_number(&writer, knock->flags, 1);
	wr_write_bytes(&writer, knock->mesh, sizeof(knock->mesh));
	wr_write_key(&writer, &identity);
	wr_write_number(&writer, knock->port, 2);
	wr_write_number(&writer, knock->knock_port, 2);
	wr_write_number(&writer, knock->epoch, 8);
	wr_write_number(&writer, knock->sequence, 4);
	wr_sign(seed, context, (struct wr_bytes){ ret_datagram, SIGNED_LEN }, &signature);
	wr_write_bytes(&writer, signature.bytes, sizeof(signature.bytes));
	wr_write_bytes(&writer, mac_of(mac_key, ret_datagram).bytes, WR_MAC_LEN);
	assert(!writer.bad && writer.at == writer.end);
}
