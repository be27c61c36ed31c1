#include <string.h>

#include "path/path.h"

const char *wr_path_state_name(enum wr_path_state state)
{
	switch (state) {
	case WR_PATH_NONE: return "none";
	case WR_PATH_RELAYED: return "relayed";
	case WR_PATH_PROBING: return "probing";
	case WR_PATH_DIRECT: return "direct";
	case WR_PATH_SUSPECT: return "suspect";
	}
	return "none";
}

const char *wr_path_reason_text(enum wr_path_reason reason)
{
	switch (reason) {
	case WR_PATH_REASON_NONE: return "";
	case WR_PATH_REASON_NOT_TRIED: return "not tried yet";
	case WR_PATH_REASON_POLICY: return "the network's policy wants the relay";
	case WR_PATH_REASON_NO_CANDIDATES: return "no candidates of the other side";
	case WR_PATH_REASON_SILENT: return "nothing came from any address of the other side";
	case WR_PATH_REASON_ONE_WAY: return "packets pass one way only";
	case WR_PATH_REASON_LOST: return "it was direct, and went silent";
	case WR_PATH_REASONS: break;
	}
	return "";
}

static const char *const kinds[WR_CANDIDATE_KINDS] = {
	[WR_CANDIDATE_LOCAL] = "local",
	[WR_CANDIDATE_GLOBAL] = "global",
	[WR_CANDIDATE_OBSERVED] = "observed",
	[WR_CANDIDATE_MAPPED] = "mapped",
};

const char *wr_candidate_kind_name(enum wr_candidate_kind kind)
{
	return kind < WR_CANDIDATE_KINDS ? kinds[kind] : "";
}

bool wr_candidate_kind_parse(const char *name, enum wr_candidate_kind *ret_kind)
{
	for (unsigned i = 0; i < WR_CANDIDATE_KINDS; i++) {
		if (strcmp(name, kinds[i]) == 0) {
			*ret_kind = (enum wr_candidate_kind)i;
			return true;
		}
	}
	return false;
}
