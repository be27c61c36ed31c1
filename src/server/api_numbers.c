#include "server/api_numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 512

static const double bounds[WR_API_BUCKETS] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
					       0.1,   0.25,   0.5,   1,    2.5,   10 };

struct pair {
	const char *operation; /* never NULL */
	unsigned status;
	uint64_t count;
};

struct wr_api_numbers {
	struct pair pairs[PAIRS];
	size_t pair_count;
	uint64_t others;                  /* where all pairs are taken */
	uint64_t buckets[WR_API_BUCKETS]; /* each alone; the sum is made when it is asked for */
	uint64_t total;
	double seconds;
};

struct wr_api_numbers *wr_api_numbers_new(void)
{
	return calloc(1, sizeof(struct wr_api_numbers));
}

struct wr_api_numbers *wr_api_numbers_free(struct wr_api_numbers *numbers)
{
	free(numbers);
	return NULL;
}

static void count_pair(struct wr_api_numbers *numbers, const char *operation, unsigned status)
{
	size_t i = 0;

	while (i < numbers->pair_count && (numbers->pairs[i].status != status ||
					   strcmp(numbers->pairs[i].operation, operation) != 0))
		i++;
	if (i == PAIRS) {
		numbers->others++;
		return;
	}
	if (i == numbers->pair_count)
		numbers->pairs[numbers->pair_count++] = (struct pair){ operation, status, 0 };
	numbers->pairs[i].count++;
}

void wr_api_numbers_add(struct wr_api_numbers *numbers, const char *operation, unsigned status,
			struct wr_span duration)
{
	double seconds = (double)duration.ns / 1e9;
	size_t bucket = 0;

	count_pair(numbers, operation ? operation : "none", status);
	while (bucket < WR_API_BUCKETS && seconds > bounds[bucket])
		bucket++;
	if (bucket < WR_API_BUCKETS)
		numbers->buckets[bucket]++;
	numbers->total++;
	numbers->seconds += seconds;
}

uint64_t wr_api_numbers_total(const struct wr_api_numbers *numbers)
{
	return numbers->total;
}

static void write_pairs(const struct wr_api_numbers *numbers, struct wr_metrics *metrics)
{
	static const char name[] = "warren_api_requests_total";

	wr_metrics_family(metrics, name, "counter", "Requests answered, by operation and status.");
	for (size_t i = 0; i < numbers->pair_count; i++) {
		const struct pair *pair = &numbers->pairs[i];
		char status[12];

		snprintf(status, sizeof(status), "%u", pair->status);
		wr_metrics_sample(metrics, name,
				  (const struct wr_metrics_label[]){
					  { "operation", pair->operation }, { "status", status } },
				  2, (double)pair->count);
	}
	if (numbers->others)
		wr_metrics_sample(metrics, name,
				  (const struct wr_metrics_label[]){ { "operation", "other" },
								     { "status", "other" } },
				  2, (double)numbers->others);
}

static void write_histogram(const struct wr_api_numbers *numbers, struct wr_metrics *metrics)
{
	static const char name[] = "warren_api_request_duration_seconds";
	static const char bucket_name[] = "warren_api_request_duration_seconds_bucket";
	uint64_t sum = 0;

	wr_metrics_family(metrics, name, "histogram", "Time from a whole request to its answer.");
	for (size_t i = 0; i < WR_API_BUCKETS; i++) {
		char bound[32];

		sum += numbers->buckets[i];
		snprintf(bound, sizeof(bound), "%g", bounds[i]);
		wr_metrics_sample(metrics, bucket_name, &(struct wr_metrics_label){ "le", bound },
				  1, (double)sum);
	}
	wr_metrics_sample(metrics, bucket_name, &(struct wr_metrics_label){ "le", "+Inf" }, 1,
			  (double)numbers->total);
	wr_metrics_sample(metrics, "warren_api_request_duration_seconds_sum", NULL, 0,
			  numbers->seconds);
	wr_metrics_sample(metrics, "warren_api_request_duration_seconds_count", NULL, 0,
			  (double)numbers->total);
}

void wr_api_numbers_write(const struct wr_api_numbers *numbers, struct wr_metrics *metrics)
{
	write_pairs(numbers, metrics);
	write_histogram(numbers, metrics);
}
