#include "policy/faults.h"

#include <stdarg.h>
#include <stdio.h>

/* A fault goes to terminals and web pages. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void wr_faults_add(struct wr_policy_faults *faults, unsigned line, const char *format, ...)
{
	struct wr_policy_fault *fault;
	va_list arguments;

	if (faults->count++ >= WR_POLICY_FAULTS)
		return;
	fault = &faults->faults[faults->count - 1];
	fault->line = line;
	va_start(arguments, format);
	vsnprintf(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
	make_plain(fault->text);
}
