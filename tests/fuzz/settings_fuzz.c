// SPDX-License-Identifier: EUPL-1.2
// Goal: any bytes are either settings within their limits, or a list of mistakes.
// Method: parse; look at what the rest of the program relies on; reloading changes nothing
// that may not change.
#include <stdint.h>
#include <string.h>

#include "edge/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_text(const char *text)
{
    CHECK(memchr(text, '\0', SETTING_TEXT_LEN) != NULL);
}

static void
check_settings(const struct settings *settings)
{
    check_text(settings->store_path);
    check_text(settings->sources_endpoint);
    check_text(settings->members_endpoint);
    check_text(settings->http_endpoint);
    check_text(settings->http_token_file);
    check_text(settings->key_file);
    check_text(settings->catalogue_file);
    check_text(settings->run_dir);
    CHECK(settings->store_path[0] == '/' && settings->key_file[0] == '/');
    CHECK(strncmp(settings->sources_endpoint, "tcp://", 6) == 0);
    CHECK(strncmp(settings->members_endpoint, "tcp://", 6) == 0);
    CHECK(settings->http_endpoint[0] == '\0' ||
          strncmp(settings->http_endpoint, "127.", 4) == 0 ||
          strncmp(settings->http_endpoint, "[::1]:", 6) == 0);
    CHECK(settings->map_bytes >= 64 * SETTINGS_MIB);
    CHECK(settings->quota_bytes <= settings->map_bytes);
    CHECK(settings->heartbeat_ms >= 50 && settings->heartbeat_ms <= 60000);
    CHECK(settings->window_messages >= 1 && settings->window_bytes >= 65536);
    CHECK(settings->drain_seconds >= 1);
    CHECK(settings->log_level <= LOG_DEBUG);
}

static void
check_faults(const struct faults *faults)
{
    struct buffer text = {0};

    settings_print_faults("f", faults, &text);
    for (size_t i = 0; i < text.len; i++) {
        CHECK(text.at[i] == '\n' || text.at[i] >= ' ');
    }
    buffer_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct settings settings, running;
    struct faults faults = {0};
    enum vg_status status =
        settings_parse((const char *)at, len, "/srv/vigie", &settings, &faults);

    CHECK((status == VG_OK) == (faults.total == 0));
    if (status != VG_OK) {
        CHECK(status == VG_BAD_SETTINGS);
        check_faults(&faults);
        return 0;
    }
    check_settings(&settings);
    settings_defaults(&running);
    settings_reload(&running, &settings);
    CHECK(running.heartbeat_ms == settings.heartbeat_ms);
    CHECK(strcmp(running.store_path, "store") == 0);
    CHECK(!running.test_persons);
    return 0;
}
