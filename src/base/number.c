#include "base/number.h"

bool wr_number_parse(const char *text, size_t len, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint64_t digit = (uint64_t)(uint8_t)text[i] - '0';

		if (digit > 9 || number > (max - digit) / 10 || digit > max)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}
