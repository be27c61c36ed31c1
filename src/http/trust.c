#include "http/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/pin.h"

int wr_trust_check(const struct wr_tls *tls, const char *host, const char *pin,
		   char ret_pin[WR_PIN_LEN + 1], char why[WR_WHY_LEN])
{
	X509 *certificate = wr_tls_certificate(tls);
	const char *distrust = wr_tls_distrust(tls);
	int status = certificate ? wr_pin_of(certificate, ret_pin) : -EPROTO;

	X509_free(certificate);
	if (status) {
		snprintf(why, WR_WHY_LEN, "TLS: %s showed no certificate", host);
		return status;
	}
	if (pin && strcmp(pin, ret_pin) != 0) {
		snprintf(why, WR_WHY_LEN, "%s has another certificate than before: pin %s", host,
			 ret_pin);
		return -EKEYREJECTED;
	}
	if (!pin && distrust) {
		snprintf(why, WR_WHY_LEN, "certificate is not trusted (%s): pin %s", distrust,
			 ret_pin);
		return -EKEYREJECTED;
	}
	return 0;
}
