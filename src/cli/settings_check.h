/* What the values of settings must be: each returns NULL where the value is good, else
 * words that go on after "must be".
 *
 * Floor 10. */
#pragma once

const char *wr_check_any(const char *value);
const char *wr_check_listen(const char *value);
const char *wr_check_endpoint(const char *value);
const char *wr_check_port(const char *value);
const char *wr_check_port_or_none(const char *value);
const char *wr_check_network(const char *value);
const char *wr_check_flag(const char *value);
const char *wr_check_sign_up(const char *value);
const char *wr_check_workers(const char *value);
