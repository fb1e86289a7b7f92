// SPDX-License-Identifier: EUPL-1.2
// Goal: institutions, keys, mailboxes and catalogues change as a whole, at once for what
// comes after, with a line in the journal; what is wrong is refused and changes nothing.
// Method: one command after the other on a real store; the tables, the journal and the
// roster that the loop is given are read afterwards, some after reopening.
#include "flow_fixture.h"

static struct journal_admin
last_line(struct flow_fixture *f)
{
    struct journal_admin line = {.ticket = 0};

    assert_true(flow_last_item(f, JOURNAL_ADMIN, &line, sizeof line) > 0);
    return line;
}

// ---- institutions ----

static void
adds_an_institution_with_its_mailbox(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_add_institution(f, "CPAS-21004", 17);
    struct institution row;
    uint32_t id;

    flow_apply(f);
    id = command->add_institution.institution.id;
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(id, INSTITUTIONS);
    assert_int_equal(institution_get(flow_view(f), (struct institution_id){id}, &row),
                     VG_OK);
    assert_string_equal(row.code, "CPAS-21004");
    assert_int_equal(flow_meta(f).last_institution, id);
    assert_int_equal(last_line(f).act, ADMIN_INSTITUTION);
    assert_int_equal(last_line(f).object, id);
    assert_int_equal(last_line(f).actor, 0);
    assert_int_equal(last_line(f).ticket, command->ticket);
    assert_non_null(f->done->roster);
    assert_non_null(roster_by_code(f->done->roster, bytes_of("CPAS-21004")));
    assert_non_null(roster_mailbox(f->done->roster, id));
    flow_follow(f, id, 1, 2);
    assert_null(f->done->roster); // only when it changed
}

static void
refuses_an_institution_twice_or_malformed(void **state)
{
    struct flow_fixture *f = *state;
    struct meta before = flow_meta(f);
    struct command *twice = flow_add_institution(f, "CPAS-A", 17);
    struct command *lower = flow_add_institution(f, "cpas", 17);
    struct command *sector = flow_add_institution(f, "CPAS-E", 999);
    struct command *all = flow_add_institution(f, "a b", 999);
    struct meta after;

    flow_apply(f);
    assert_int_equal(twice->status, VG_EXISTS);
    assert_int_equal(lower->status, VG_MALFORMED);
    assert_int_equal(sector->status, VG_NOT_FOUND);
    assert_int_equal(all->faults->total, 2);
    after = flow_meta(f);
    assert_memory_equal(&before, &after, sizeof before);
}

static void
nobody_takes_the_brokers_own_place(void **state)
{
    struct flow_fixture *f = *state;
    struct meta before = flow_meta(f), after;
    struct command *sector = flow_add_institution(f, "CPAS-E", SECTOR_VIGIE);
    struct command *code = flow_add_institution(f, BROKER_CODE, 17);

    assert_non_null(catalogue_sector(applier_catalogue(f->applier), SECTOR_VIGIE));
    flow_apply(f);
    assert_int_equal(sector->status, VG_NOT_ALLOWED);
    assert_int_equal(code->status, VG_NOT_ALLOWED);
    assert_non_null(strstr(sector->faults->fault[0].why.text, "CPAS-E: sector 99"));
    after = flow_meta(f);
    assert_memory_equal(&before, &after, sizeof before);
}

// ---- limits ----

static void
limits_are_set_one_by_one_and_journaled(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_command(f, COMMAND_SET_LIMITS, 0);
    struct limits expected = {.bytes = 7, .attempts = 3};
    struct limits limits;

    command->set_limits = (struct set_limits_command){
        .mailbox = CPAS_A,
        .named = LIMIT_MESSAGES | LIMIT_ATTEMPTS,
        .limits = {.messages = 10, .bytes = 99, .attempts = 3}};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(last_line(f).act, ADMIN_LIMITS);
    assert_int_equal(last_line(f).object, CPAS_A);
    command = flow_command(f, COMMAND_SET_LIMITS, 0);
    command->set_limits = (struct set_limits_command){
        .mailbox = CPAS_A, .named = LIMIT_MESSAGES | LIMIT_BYTES, .limits = {.bytes = 7}};
    flow_apply(f);
    assert_int_equal(limits_get(flow_view(f), (struct mailbox_id){CPAS_A}, &limits),
                     VG_OK);
    assert_memory_equal(&limits, &expected, sizeof limits);
    assert_memory_equal(&roster_mailbox(f->done->roster, CPAS_A)->limits, &expected,
                        sizeof expected);
    flow_reopen(f);
    command = flow_command(f, COMMAND_SET_LIMITS, 0);
    command->set_limits =
        (struct set_limits_command){.mailbox = CPAS_A, .named = LIMIT_AGE};
    flow_apply(f);
    assert_memory_equal(&command->set_limits.limits, &expected, sizeof expected);
    command = flow_command(f, COMMAND_SET_LIMITS, 0);
    command->set_limits.mailbox = 4711;
    flow_apply(f);
    assert_int_equal(command->status, VG_NOT_FOUND);
}

// ---- rules ----

static struct command *
rules_command(struct flow_fixture *f, uint32_t mailbox, const char *flow,
              uint64_t qualities)
{
    struct command *command = flow_command(f, COMMAND_SET_RULES, 0);

    command->set_rules.mailbox = mailbox;
    command->set_rules.named = RULES_UNWANTED;
    command->set_rules.unwanted = xcalloc(1, sizeof *command->set_rules.unwanted);
    command->set_rules.unwanted_len = 1;
    command->set_rules.unwanted[0] = (struct choice_request){bytes_of(flow), qualities};
    return command;
}

// Letters that wait may stand for others for as long as they wait.
static void
that_repeats_were_merged_once_is_not_forgotten(void **state)
{
    static const uint16_t wanted[] = {REPEATS_COME, REPEATS_MERGE, REPEATS_COME,
                                      REPEATS_MERGE};
    static const uint16_t kept[] = {REPEATS_COME, REPEATS_MERGE, REPEATS_MERGED,
                                    REPEATS_MERGE};
    struct flow_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        flow_command(f, COMMAND_SET_RULES, 0)->set_rules = (struct set_rules_command){
            .mailbox = CPAS_A, .named = RULES_REPEATS, .rules = {.repeats = wanted[i]}};
        flow_apply(f);
        assert_int_equal(roster_mailbox(f->done->roster, CPAS_A)->rules.repeats, kept[i]);
        flow_reopen(f);
    }
}

static void
rules_are_set_one_by_one_and_journaled(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = rules_command(f, CPAS_A, "notifyPerson", 1 << 7);
    const struct mailbox_rules *rules;

    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(last_line(f).act, ADMIN_RULES);
    assert_int_equal(last_line(f).object, CPAS_A);
    command = flow_command(f, COMMAND_SET_RULES, 0);
    command->set_rules = (struct set_rules_command){
        .mailbox = CPAS_A, .named = RULES_QUIET, .rules = {.quiet_from = 5, .digest = 9}};
    flow_apply(f);
    flow_reopen(f);
    command = flow_command(f, COMMAND_SET_RULES, 0);
    command->set_rules = (struct set_rules_command){
        .mailbox = CPAS_A, .named = RULES_DIGEST, .rules = {.digest = 61}};
    flow_apply(f);
    rules = &roster_mailbox(f->done->roster, CPAS_A)->rules;
    assert_int_equal(rules->quiet_from, 5);
    assert_int_equal(rules->quiet_to, 0);
    assert_int_equal(rules->digest, 61);
    assert_int_equal(rules->urgent_first, 0);
    assert_int_equal(rules->unwanted_len, 1);
    assert_int_equal(rules->unwanted[0].qualities, 1 << 7);
    assert_false(mailbox_wants(roster_mailbox(f->done->roster, CPAS_A),
                               rules->unwanted[0].flow, 7));
    assert_true(mailbox_wants(roster_mailbox(f->done->roster, CPAS_A),
                              rules->unwanted[0].flow, 2));
    flow_assert_sound(f);
}

static void
quiet_hours_of_no_length_are_none_before_a_restart_too(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_command(f, COMMAND_SET_RULES, 0);

    command->set_rules =
        (struct set_rules_command){.mailbox = CPAS_A,
                                   .named = RULES_QUIET,
                                   .rules = {.quiet_from = 5, .quiet_to = 5}};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(roster_mailbox(f->done->roster, CPAS_A)->rules.quiet_from, 0);
    assert_int_equal(roster_mailbox(f->done->roster, CPAS_A)->rules.quiet_to, 0);
    flow_assert_sound(f);
}

static void
refuses_rules_that_cannot_be(void **state)
{
    struct flow_fixture *f = *state;
    struct command *nowhere = rules_command(f, 4711, "notifyPerson", 0);
    struct command *unknown = rules_command(f, CPAS_A, "notifyNobody", 0);
    struct command *asked = rules_command(f, CPAS_A, "PCSAAlert", 0);
    struct command *number = rules_command(f, CPAS_A, "SSINReplacement", 0);
    struct command *late = flow_command(f, COMMAND_SET_RULES, 0);

    late->set_rules = (struct set_rules_command){
        .mailbox = CPAS_A, .named = RULES_QUIET, .rules = {.quiet_to = DAY_MINUTES}};
    flow_apply(f);
    assert_int_equal(nowhere->status, VG_NOT_FOUND);
    assert_int_equal(unknown->status, VG_UNKNOWN_FLOW);
    assert_int_equal(asked->status, VG_NOT_ALLOWED); // it must be answered
    assert_int_equal(number->status, VG_NOT_ALLOWED);
    assert_int_equal(late->status, VG_BAD_DATE);
    assert_null(f->done->roster);
}

// ---- keys ----

static struct command *
key_command(struct flow_fixture *f, enum command_kind kind, uint8_t fill, uint32_t role)
{
    struct command *command = flow_command(f, kind, 0);

    memset(command->key.key, fill, KEY_LEN);
    command->key.row.institution = RN;
    command->key.row.role = role;
    snprintf(command->key.row.label, KEY_LABEL_LEN, "main");
    return command;
}

static struct key_row
key_row(struct flow_fixture *f, uint8_t fill)
{
    uint8_t key[KEY_LEN];
    struct key_row row;

    memset(key, fill, sizeof key);
    assert_int_equal(key_get(flow_view(f), key, &row), VG_OK);
    return row;
}

static void
adds_and_revokes_a_key(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = key_command(f, COMMAND_ADD_KEY, 7, ROLE_SOURCE);
    int64_t revoked_us;

    command->key.row.revoked_us = 5; // not the caller's to say
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_true(f->done->keys_changed);
    assert_int_equal(key_row(f, 7).institution, RN);
    assert_int_equal(key_row(f, 7).added_us, f->done->time.us);
    assert_int_equal(key_row(f, 7).revoked_us, 0);
    assert_int_equal(last_line(f).act, ADMIN_KEY);
    assert_int_equal(last_line(f).object, RN);

    command = key_command(f, COMMAND_REVOKE_KEY, 7, 0);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(command->key.row.institution, RN);
    assert_true(f->done->keys_changed);
    revoked_us = key_row(f, 7).revoked_us;
    assert_int_equal(revoked_us, f->done->time.us);
    assert_int_equal(last_line(f).act, ADMIN_REVOKE);

    key_command(f, COMMAND_REVOKE_KEY, 7, 0); // again: the first one stands
    flow_apply(f);
    assert_int_equal(key_row(f, 7).revoked_us, revoked_us);
    assert_false(f->done->keys_changed);
    command = key_command(f, COMMAND_ADD_KEY, 7, ROLE_SOURCE); // it does not come back
    flow_apply(f);
    assert_int_equal(command->status, VG_EXISTS);
    assert_int_equal(key_row(f, 7).revoked_us, revoked_us);
}

// While a key is exchanged for the next one both work; a third one is too many.
static void
an_institution_has_two_keys_for_one_use(void **state)
{
    struct flow_fixture *f = *state;
    struct command *old = key_command(f, COMMAND_ADD_KEY, 1, ROLE_SOURCE);
    struct command *next = key_command(f, COMMAND_ADD_KEY, 2, ROLE_SOURCE);
    struct command *third = key_command(f, COMMAND_ADD_KEY, 3, ROLE_SOURCE);
    struct command *other_use = key_command(f, COMMAND_ADD_KEY, 4, ROLE_MEMBER);
    struct command *two_uses =
        key_command(f, COMMAND_ADD_KEY, 5, ROLE_MEMBER | ROLE_OPERATOR);

    flow_apply(f);
    assert_int_equal(old->status, VG_OK);
    assert_int_equal(next->status, VG_OK);
    assert_int_equal(third->status, VG_EXISTS);
    assert_int_equal(other_use->status, VG_OK);
    assert_int_equal(two_uses->status, VG_MALFORMED);
    assert_int_equal(key_row(f, 1).revoked_us, 0);
    assert_int_equal(key_row(f, 2).revoked_us, 0);

    key_command(f, COMMAND_REVOKE_KEY, 1, 0);
    third = key_command(f, COMMAND_ADD_KEY, 3, ROLE_SOURCE);
    flow_apply(f);
    assert_int_equal(third->status, VG_OK);
    assert_int_equal(key_row(f, 3).revoked_us, 0);
}

static void
refuses_keys_without_role_or_institution(void **state)
{
    struct flow_fixture *f = *state;
    struct command *none = key_command(f, COMMAND_ADD_KEY, 1, 0);
    struct command *odd = key_command(f, COMMAND_ADD_KEY, 2, 8);
    struct command *stranger = key_command(f, COMMAND_ADD_KEY, 3, ROLE_MEMBER);
    struct command *unknown = key_command(f, COMMAND_REVOKE_KEY, 4, 0);
    uint8_t key[KEY_LEN];
    struct key_row row;

    stranger->key.row.institution = 999;
    flow_apply(f);
    assert_int_equal(none->status, VG_MALFORMED);
    assert_int_equal(odd->status, VG_MALFORMED);
    assert_int_equal(stranger->status, VG_NOT_FOUND);
    assert_int_equal(unknown->status, VG_NOT_FOUND);
    assert_false(f->done->keys_changed);
    for (uint8_t fill = 1; fill <= 4; fill++) {
        memset(key, fill, sizeof key);
        assert_int_equal(key_get(flow_view(f), key, &row), VG_NOT_FOUND);
    }
}

// ---- mailboxes ----

static struct command *
mailbox_command(struct flow_fixture *f, const char *name, const char *flow,
                uint64_t qualities)
{
    struct command *command = flow_command(f, COMMAND_ADD_MAILBOX, CPAS_A);

    command->add_mailbox.name = bytes_of(name);
    if (flow != NULL) {
        command->add_mailbox.choices = xcalloc(1, sizeof(struct choice_request));
        command->add_mailbox.choices_len = 1;
        command->add_mailbox.choices[0] =
            (struct choice_request){bytes_of(flow), qualities};
    }
    return command;
}

static void
a_further_mailbox_gets_what_it_chose(void **state)
{
    struct flow_fixture *f = *state;
    struct command *some =
        mailbox_command(f, "addresses", "notifyPerson", UINT64_C(1) << 2);
    struct command *any = mailbox_command(f, "work", "PersonnelFile", 0);
    struct hot_mutation work = flow_mutation("PersonnelFile", flow_person(1));
    uint32_t first = MAILBOX_EXTRA_FIRST;

    flow_apply(f);
    assert_int_equal(some->add_mailbox.mailbox, first);
    assert_int_equal(any->add_mailbox.mailbox, first + 1);
    assert_int_equal(last_line(f).act, ADMIN_MAILBOX);
    assert_int_equal(last_line(f).object, first + 1);
    assert_int_equal(last_line(f).actor, CPAS_A);
    assert_non_null(roster_mailbox(f->done->roster, first + 1));

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_A, 2, 4);
    flow_reopen(f); // the choice lasts
    flow_field(&work, "employer", "0403019261");
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_publish_one(f, RN, 2, flow_address(2));
    flow_publish_one(f, ONSS, 1, work);
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 3); // the default one gets everything
    assert_int_equal(flow_row(f, first).last, 1);
    assert_int_equal(flow_row(f, first + 1).last, 1);
}

static void
refuses_mailboxes_it_cannot_name(void **state)
{
    struct flow_fixture *f = *state;
    static const char *const bad[] = {"", "a\nb", "caf\xc3\xa9",
                                      "12345678901234567890123456789012"};
    struct command *commands[4];
    struct command *taken = mailbox_command(f, "default", NULL, 0);
    struct command *flow = mailbox_command(f, "one", "nothing", 0);
    struct command *good = mailbox_command(f, "two", NULL, 0);
    struct command *again = mailbox_command(f, "two", NULL, 0);
    struct command *stranger = mailbox_command(f, "three", NULL, 0);

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        commands[i] = mailbox_command(f, bad[i], NULL, 0);
    }
    stranger->actor = 999;
    flow_apply(f);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(commands[i]->status, VG_MALFORMED);
    }
    assert_int_equal(taken->status, VG_EXISTS);
    assert_int_equal(flow->status, VG_UNKNOWN_FLOW);
    assert_int_equal(good->status, VG_OK);
    assert_int_equal(again->status, VG_EXISTS);
    assert_int_equal(stranger->status, VG_NOT_FOUND);
    assert_int_equal(flow_meta(f).last_extra_mailbox, 1);
}

static void
an_institution_has_at_most_so_many_mailboxes(void **state)
{
    struct flow_fixture *f = *state;
    struct command *last = NULL;

    for (int i = 1; i <= MAILBOXES_PER_INSTITUTION_MAX; i++) {
        char name[16];

        snprintf(name, sizeof name, "box %d", i);
        last = mailbox_command(f, name, NULL, 0);
        flow_apply(f);
        assert_int_equal(last->status,
                         i < MAILBOXES_PER_INSTITUTION_MAX ? VG_OK : VG_EXISTS);
    }
    assert_int_equal(flow_meta(f).last_extra_mailbox, MAILBOXES_PER_INSTITUTION_MAX - 1);
}

// ---- catalogues ----

// The shipped one with one word in place of another of the same length.
static struct buffer
changed_catalogue(const char *old, const char *new)
{
    struct buffer text = flow_shipped_catalogue();
    uint8_t *at = memmem(text.at, text.len, old, strlen(old));

    assert_non_null(at);
    assert_int_equal(strlen(old), strlen(new));
    memcpy(at, new, strlen(new));
    return text;
}

static struct hot_mutation
death(void)
{
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(1));

    flow_field(&mutation, "150", "Anvers 19991231");
    return mutation;
}

static void
another_catalogue_counts_from_the_next_mutation_on(void **state)
{
    struct flow_fixture *f = *state;
    struct buffer text = changed_catalogue("{code: \"150\",    classes: [applicant],",
                                           "{code: \"150\",    classes: [debtor],   ");
    struct command *command;
    struct catalogue_row row;
    struct buffer stored = {0};
    struct journal_event event;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, death());
    command = flow_load_catalogue(f, (const char *)text.at, text.len);
    flow_publish_one(f, RN, 2, death());
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(command->load_catalogue.version, 2);
    assert_ptr_equal(f->done->catalogue, applier_catalogue(f->applier));
    assert_int_equal(flow_row(f, CPAS_A).last, 1); // an applicant sees no 150 any more
    assert_int_equal(flow_last_item(f, JOURNAL_EVENT, &event, sizeof event), 2);
    assert_int_equal(event.catalogue, 2);
    assert_int_equal(event.withheld_all, 1);
    assert_int_equal(last_line(f).act, ADMIN_CATALOGUE);
    assert_int_equal(last_line(f).object, 2);

    flow_reopen(f);
    assert_int_equal(flow_meta(f).catalogue, 2);
    assert_int_equal(catalogue_get(flow_view(f), 2, &row, &stored), VG_OK);
    assert_int_equal(stored.len, text.len);
    assert_memory_equal(stored.at, text.at, text.len);
    assert_int_equal(catalogue_get(flow_view(f), 1, &row, &stored),
                     VG_OK); // both are kept
    flow_publish_one(f, RN, 3, death());
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
    buffer_free(&stored);
    buffer_free(&text);
}

static void
a_bad_catalogue_changes_nothing(void **state)
{
    struct flow_fixture *f = *state;
    const struct catalogue *before = applier_catalogue(f->applier);
    struct buffer text = changed_catalogue("sources: [RN]", "sources: [XX]");
    struct command *command = flow_load_catalogue(f, (const char *)text.at, text.len);

    flow_apply(f);
    assert_int_equal(command->status, VG_BAD_CATALOGUE);
    assert_true(command->faults->total > 0);
    assert_true(command->faults->fault[0].line > 0);
    assert_ptr_equal(applier_catalogue(f->applier), before);
    assert_null(f->done->catalogue);
    assert_int_equal(flow_meta(f).catalogue, 1);
    buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(adds_an_institution_with_its_mailbox),
        FLOW_TEST(limits_are_set_one_by_one_and_journaled),
        FLOW_TEST(rules_are_set_one_by_one_and_journaled),
        FLOW_TEST(that_repeats_were_merged_once_is_not_forgotten),
        FLOW_TEST(quiet_hours_of_no_length_are_none_before_a_restart_too),
        FLOW_TEST(refuses_rules_that_cannot_be),
        FLOW_TEST(refuses_an_institution_twice_or_malformed),
        FLOW_TEST(nobody_takes_the_brokers_own_place),
        FLOW_TEST(adds_and_revokes_a_key),
        FLOW_TEST(an_institution_has_two_keys_for_one_use),
        FLOW_TEST(refuses_keys_without_role_or_institution),
        FLOW_TEST(a_further_mailbox_gets_what_it_chose),
        FLOW_TEST(refuses_mailboxes_it_cannot_name),
        FLOW_TEST(an_institution_has_at_most_so_many_mailboxes),
        FLOW_TEST(another_catalogue_counts_from_the_next_mutation_on),
        FLOW_TEST(a_bad_catalogue_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
