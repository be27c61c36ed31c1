/* What looking after something came to.
 *
 * Floor 7. */
#pragma once

/* Of several, the largest counts. */
enum wr_mend {
	WR_MEND_NOTHING, /* it was as it should be, or nothing could be done */
	WR_MEND_MADE,    /* made so, for the first time */
	WR_MEND_DRIFT,   /* it was so before, and somebody changed it: made so again */
};
