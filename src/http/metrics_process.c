/* This process, as it measures itself. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/metrics.h"

static double resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double seconds_of(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

void wr_metrics_process(struct wr_metrics *metrics, const char *version, struct wr_wall started)
{
	struct rusage usage;

	if (version) {
		wr_metrics_family(metrics, "warren_build_info", "gauge", "The version that runs.");
		wr_metrics_labelled(metrics, "warren_build_info", "version", version, 1);
	}
	if (started.ns)
		wr_metrics_single(metrics, "process_start_time_seconds", "gauge",
				  "When it started, in seconds since 1970.",
				  (double)started.ns / 1e9);
	wr_metrics_single(metrics, "process_resident_memory_bytes", "gauge", "Resident memory.",
			  resident_bytes());
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		wr_metrics_single(metrics, "process_cpu_seconds_total", "counter",
				  "Time of the processor, in user and kernel mode.",
				  seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime));
}
