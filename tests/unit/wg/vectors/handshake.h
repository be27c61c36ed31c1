/* Known answers in hexadecimal; made by handshake.py, do not edit. */
/* clang-format off */
#pragma once

#define VECTOR_INITIATOR_STATIC \
	"402aebd83488a3c4cbdc268adfe3fc8af1fcc77f29cec8a5a976cec82ddf8b5e"
#define VECTOR_RESPONDER_STATIC \
	"4007bdae69a15d9b27609df43d403d3f2c655403d28bd0663b8a662e04e9154e"
#define VECTOR_INITIATOR_PUBLIC \
	"ba2542ac84a5e43022a6684351a4f587bd4c6ce05b89349163a025d505b49373"
#define VECTOR_RESPONDER_PUBLIC \
	"1765e503e38b4959e54eabc23b35d669f82a8a0f28e3bbb3c300453739e6bf7d"
#define VECTOR_INITIATOR_EPHEMERAL \
	"708170481779a892aa3b880ae2114b9d1a78b81842d10429241013199a5bc42b"
#define VECTOR_RESPONDER_EPHEMERAL \
	"8c7b1af95b18c42ca4e674d86ca63b02aaaa201c7040f4bcd38819aa378aa117"
#define VECTOR_COOKIE_SECRET \
	"5f4ad9bdf348256cd97a6b970d75663f5a19d7850a7e813ca9396025725e0bf0"
#define VECTOR_TIMESTAMP \
	"400000006553f10a07000000"
#define VECTOR_INITIAL_CHAINING_KEY \
	"60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36"
#define VECTOR_INITIAL_HASH \
	"2211b361081ac566691243db458ad5322d9c6c662293e8b70ee19c65ba079ef3"

/* Sender indices 0x01020304 and 0xa1b2c3d4. */
struct handshake_vector {
	const char *name, *psk, *cookie, *initiation, *response, *initiator_send, *initiator_receive;
};

static const struct handshake_vector handshake_vectors[] = {
	{
		.name = "without a preshared key",
		.psk = "0000000000000000000000000000000000000000000000000000000000000000",
		.cookie = "",
		.initiation = "010000000403020137338dc45f371dd03412807f8e0ac35223a6f01cbfcabe7c0dcb446f692c0918"
			"3fe266ac59fbd2e7b0a14be7f70be480b2db519b170eefeff18385e4822ca1a7eb1c7bbf163d2d46"
			"93abb086fdf075c531e862410f4e5668733b4036bd04081834f3a74d5c74e55fb2a7bd1b08a9e9ea"
			"9b7ee04a9c1956222c07da9200000000000000000000000000000000",
		.response = "02000000d4c3b2a104030201dac8b1107a05508d6282e5b89c8f0f465422ab300ae0f3445505d171"
			"b5196c74447bbb401eaa003c8fdf58484acc284dc50130c279c83c811b2eef92499530be00000000"
			"000000000000000000000000",
		.initiator_send = "eea1a4d0d775af8ad7da61d616022c85e2044746023ed11ba17924c4bd028f2f",
		.initiator_receive = "c4357daa62a713d16169e9d5d19c2e91635fef3a625d6647e63c6afd47dad890",
	},
	{
		.name = "with a preshared key",
		.psk = "22dcdf60d121ae947e53a0bdfea46d89c8b40d9ba45bb566a20a57426d54ee7d",
		.cookie = "",
		.initiation = "010000000403020137338dc45f371dd03412807f8e0ac35223a6f01cbfcabe7c0dcb446f692c0918"
			"3fe266ac59fbd2e7b0a14be7f70be480b2db519b170eefeff18385e4822ca1a7eb1c7bbf163d2d46"
			"93abb086fdf075c531e862410f4e5668733b4036bd04081834f3a74d5c74e55fb2a7bd1b08a9e9ea"
			"9b7ee04a9c1956222c07da9200000000000000000000000000000000",
		.response = "02000000d4c3b2a104030201dac8b1107a05508d6282e5b89c8f0f465422ab300ae0f3445505d171"
			"b5196c744744735f3ec2e00242870138b02845498c9f3e8826d90ec5732f8fa737f6a35100000000"
			"000000000000000000000000",
		.initiator_send = "afc2fa6bb317c1dd1049f9f6f4b31112657413038ebd5c0b4d276926829f3523",
		.initiator_receive = "55ad1c2e26f09846679eeeadd4e51246df1af97bacd40d48b32af48613ee8a94",
	},
	{
		.name = "with a cookie",
		.psk = "22dcdf60d121ae947e53a0bdfea46d89c8b40d9ba45bb566a20a57426d54ee7d",
		.cookie = "186725d32facb65e3223b095e864d35b",
		.initiation = "010000000403020137338dc45f371dd03412807f8e0ac35223a6f01cbfcabe7c0dcb446f692c0918"
			"3fe266ac59fbd2e7b0a14be7f70be480b2db519b170eefeff18385e4822ca1a7eb1c7bbf163d2d46"
			"93abb086fdf075c531e862410f4e5668733b4036bd04081834f3a74d5c74e55fb2a7bd1b08a9e9ea"
			"9b7ee04a9c1956222c07da92f41d57982cbd9606bb7457011754ed80",
		.response = "02000000d4c3b2a104030201dac8b1107a05508d6282e5b89c8f0f465422ab300ae0f3445505d171"
			"b5196c744744735f3ec2e00242870138b02845498c9f3e8826d90ec5732f8fa737f6a35100000000"
			"000000000000000000000000",
		.initiator_send = "afc2fa6bb317c1dd1049f9f6f4b31112657413038ebd5c0b4d276926829f3523",
		.initiator_receive = "55ad1c2e26f09846679eeeadd4e51246df1af97bacd40d48b32af48613ee8a94",
	},
};

/* Sender index 0x05060708. */
struct cookie_vector {
	const char *name, *address;
	unsigned port;
	const char *mac1, *nonce, *reply, *cookie;
};

static const struct cookie_vector cookie_vectors[] = {
	{
		.name = "IPv4",
		.address = "c0000207",
		.port = 51820,
		.mac1 = "36b1251545438004943d13045376c280",
		.nonce = "e5735c6b5d2b6ddafc2fb37756f60aeb54171dc4701bf6a2",
		.reply = "0300000008070605e5735c6b5d2b6ddafc2fb37756f60aeb54171dc4701bf6a24b5d5eab05d7d385"
			"7050ffd9f7c29cd689304e8cdf6a6084963a2c81dd214a42",
		.cookie = "978820cb6fce1d46a10a3192bdc04b04",
	},
	{
		.name = "IPv6",
		.address = "20010db8000000000000000000000007",
		.port = 258,
		.mac1 = "36b1251545438004943d13045376c280",
		.nonce = "e5735c6b5d2b6ddafc2fb37756f60aeb54171dc4701bf6a2",
		.reply = "0300000008070605e5735c6b5d2b6ddafc2fb37756f60aeb54171dc4701bf6a2babc6d2bff735495"
			"10922b46aa5b838fb3d9c923693365007749cdde10275f38",
		.cookie = "6669134b956a9a56c1c8e50de059545d",
	},
};
