#include "cli/cli.h"

int main(int argc, char **argv)
{
	return wr_cli_main(argc, argv, NULL);
}
