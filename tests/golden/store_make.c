// SPDX-License-Identifier: EUPL-1.2
// store_make.c - makes a golden store by the broker's own apply: store_make FOLDER
//
// FOLDER must be there and empty: what a program once wrote stays as it was. A new schema
// gets a new folder (store_2), and store_1 stays.
#include <stdio.h>

#include "../unit/catch_up_scene.h"
#include "../unit/held_scene.h"
#include "store_dump.h"

static void
apply_all_well(struct flow_fixture *f, struct command *command)
{
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

static void
add_keys(struct flow_fixture *f)
{
    for (uint8_t fill = 1; fill <= 3; fill++) {
        struct command *command = flow_command(f, COMMAND_ADD_KEY, 0);

        memset(command->key.key, fill * 0x11, KEY_LEN);
        command->key.row.institution = fill == 1 ? RN : CPAS_A;
        command->key.row.role = fill == 1 ? ROLE_SOURCE : ROLE_OPERATOR;
        snprintf(command->key.row.label, KEY_LABEL_LEN, "key %d", fill);
        apply_all_well(f, command);
    }

    struct command *command = flow_command(f, COMMAND_REVOKE_KEY, 0);

    memset(command->key.key, 0x33, KEY_LEN);
    apply_all_well(f, command);
}

static void
add_mailbox_of_addresses(struct flow_fixture *f)
{
    struct command *command = flow_command(f, COMMAND_ADD_MAILBOX, CPAS_A);

    command->add_mailbox.name = bytes_of("addresses");
    command->add_mailbox.choices = xcalloc(1, sizeof(struct choice_request));
    command->add_mailbox.choices_len = 1;
    command->add_mailbox.choices[0] =
        (struct choice_request){bytes_of("notifyPerson"), UINT64_C(1) << 2};
    apply_all_well(f, command);
}

static void
follow_persons(struct flow_fixture *f)
{
    for (int person = 1; person <= 4; person++) {
        flow_follow(f, CPAS_A, person, 2);
    }
    flow_follow(f, CPAS_B, 1, 30); // a debtor: not field 150
    flow_follow(f, CPAS_B, 5, 2);
}

static void
ask_about_persons(struct flow_fixture *f)
{
    struct command *command = flow_command(f, COMMAND_REMOVE, CPAS_A);

    command->remove.institution = CPAS_A;
    command->remove.request = (struct remove_request){
        .niss = flow_person(4).number, .quality = 2, .begin = 20261101};
    apply_all_well(f, command);
    command = flow_command(f, COMMAND_CONSULT, CPAS_A);
    command->consult.niss = flow_person(1).number;
    command->consult.proof.birth_date = (uint32_t)niss_birth(flow_person(1)).year * 10000;
    apply_all_well(f, command);
}

static void
publish(struct flow_fixture *f, uint64_t first, size_t len)
{
    struct hot_mutation mutations[64];

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address(1 + (int)(first + i) % 3);
    }
    apply_all_well(f, flow_publish(f, RN, 1, first, mutations, len));
}

// Two of three are refused, and their numbers remembered.
static void
publish_mistakes(struct flow_fixture *f)
{
    struct hot_mutation mutations[3] = {flow_address(1), flow_address(2),
                                        flow_mutation("noSuchFlow", flow_person(1))};

    mutations[0].niss++; // its check digits do not fit
    apply_all_well(f, flow_publish(f, RN, 2, 1, mutations, 3));
}

static void
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t through, uint64_t single)
{
    static struct letter letters[200];
    size_t len = flow_letters(f, mailbox, 1, letters, 200);
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A);

    // Those that were acknowledged before may be gone.
    const struct letter *first = letters - (letters[0].number - 1) - 1;

    assert_true(single <= letters[len - 1].number);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = through;
    command->acknowledge.through_bytes = first[through].bytes_through;
    command->acknowledge.singles = xcalloc(1, sizeof(struct acknowledge_single));
    command->acknowledge.singles_len = 1;
    command->acknowledge.singles[0] = (struct acknowledge_single){
        single, first[single].bytes_through, first[single].size};
    apply_all_well(f, command);
}

static void
fold(struct flow_fixture *f)
{
    apply_all_well(f, flow_command(f, COMMAND_FOLD, 0));
}

// The first number of person 3 is replaced by that of person 9.
static void
replace_person(struct flow_fixture *f)
{
    struct hot_mutation mutation = flow_mutation("SSINReplacement", flow_person(3));

    mutation.new_niss = flow_person(9).number;
    apply_all_well(f, flow_publish_one(f, BIS, 1, mutation));
}

static void
add_full_institution(struct flow_fixture *f)
{
    struct command *command = flow_add_institution(f, "CPAS-21004", SECTOR_CPAS);
    struct institution *institution = &command->add_institution.institution;

    institution->number = 21004;
    institution->enterprise = 403019261;
    snprintf(institution->name, sizeof institution->name, "CPAS de Bruxelles-Capitale");
    apply_all_well(f, command);
}

// ---- what came with schema 2 ----

enum { DAYS_KEPT = 7, MONTHS_KEPT = 1 };

static void
days_pass(struct flow_fixture *f, int days)
{
    f->now_us += (int64_t)days * 24 * 3600 * 1000000;
}

static struct letter_about
about(struct flow_fixture *f, uint64_t number)
{
    struct letter_about found;
    size_t len = flow_letters(f, CPAS_A, number, &found.letter, 1);

    assert_int_equal(len, 1);
    assert_int_equal(found.letter.number, number);
    assert_int_equal(letter_subject(flow_view(f), &found.letter, &found.subject), VG_OK);
    return found;
}

static void
park(struct flow_fixture *f, uint64_t number)
{
    struct letter_about letter = about(f, number);
    struct command *command = held_refuse(f, &letter, "no such street");

    command->refuse.park = true;
    apply_all_well(f, command);
}

// Letters n, n + 3, n + 6 ... are about the same person. 40 is tried again and 43 waits
// behind it, and 46 since the outflow met it; 42 is parked, 45 was and is tried again, 48
// was and is dropped.
static void
refuse_letters(struct flow_fixture *f)
{
    struct letter_about first = about(f, 40), later = about(f, 43), met = about(f, 46);
    struct command *command = held_refuse(f, &first, "the register is closed");

    held_later(command, &later);
    apply_all_well(f, command);
    apply_all_well(f, held_defer(f, &met));
    for (uint64_t number = 42; number <= 48; number += 3) {
        park(f, number);
    }
    apply_all_well(f, held_handle(f, COMMAND_RETRY_PARKED, (uint64_t[]){45}, 1));
    apply_all_well(f, held_handle(f, COMMAND_DROP_PARKED, (uint64_t[]){48}, 1));
}

// As the loop does, until there is no more.
static void
expire(struct flow_fixture *f)
{
    struct command *command;

    do {
        command = flow_command(f, COMMAND_EXPIRE, 0);
        command->expire.replay_days = DAYS_KEPT;
        command->expire.journal_months = MONTHS_KEPT;
        command->expire.person_months = MONTHS_KEPT;
        command->expire.folded_commit = flow_meta(f).folded_commit;
        command->expire.exported_commit = UINT64_MAX;
        apply_all_well(f, command);
    } while (command->expire.more);
}

static void
limit_a_mailbox(struct flow_fixture *f)
{
    struct command *command = flow_command(f, COMMAND_SET_LIMITS, 0);

    command->set_limits = (struct set_limits_command){
        .mailbox = CPAS_A,
        .named = LIMIT_MESSAGES | LIMIT_AGE,
        .limits = {.messages = 5000, .age_days = 400},
    };
    apply_all_well(f, command);
}

// Old bodies go, those that are waited for are copied before, and the oldest records.
static void
let_go(struct flow_fixture *f)
{
    fold(f);
    days_pass(f, DAYS_KEPT + 1);
    publish(f, 117, 6);
    fold(f);
    expire(f);
    assert_true(flow_meta(f).first_block > 1);
    assert_true(flow_meta(f).first_commit > 1);
    assert_true(flow_meta(f).first_commit < flow_meta(f).last_commit - 10);
}

// ---- what came with schema 3 ----

static struct hot_bytes
last_ticket(struct flow_fixture *f)
{
    static char text[8][24];
    static size_t next;
    char *to = text[next++ % ARRAY_LEN(text)];

    snprintf(to, sizeof text[0], "%llu", (unsigned long long)flow_meta(f).last_sequence);
    return flow_words(to);
}

// One is replaced and then cancelled; of two alerts one is answered.
static void
correct_and_ask(struct flow_fixture *f)
{
    struct hot_mutation address = flow_address(1);
    struct hot_mutation alert = flow_mutation("PCSAAlert", flow_person(1));
    struct hot_mutation reaction = flow_mutation("PCSAAlertReaction", flow_person(1));

    apply_all_well(f, flow_publish(f, RN, 3, 1, &address, 1));
    address.replaces = last_ticket(f);
    apply_all_well(f, flow_publish(f, RN, 3, 2, &address, 1));
    address.replaces.len = 0;
    address.cancels = last_ticket(f);
    apply_all_well(f, flow_publish(f, RN, 3, 3, &address, 1));
    alert.recipient = flow_words("CPAS-A");
    for (uint64_t number = 1; number <= 2; number++) {
        apply_all_well(f, flow_publish_one(f, SPPIS, number, alert));
    }
    reaction.answers = last_ticket(f);
    apply_all_well(f, flow_publish_one(f, CPAS_A, 1, reaction));
}

// ---- what came with schema 4 ----

static void
want_less(struct flow_fixture *f)
{
    struct command *command = flow_command(f, COMMAND_SET_RULES, 0);

    command->set_rules = (struct set_rules_command){
        .mailbox = CPAS_A,
        .named = RULES_UNWANTED | RULES_QUIET | RULES_DIGEST | RULES_URGENT,
        .unwanted = xcalloc(1, sizeof(struct choice_request)),
        .unwanted_len = 1,
        .rules = {.quiet_from = 1200, .quiet_to = 420, .digest = 481, .urgent_first = 1},
    };
    command->set_rules.unwanted[0] =
        (struct choice_request){bytes_of("notifyPerson"), UINT64_C(1) << 30};
    apply_all_well(f, command);
}

static void
anchor_today(struct flow_fixture *f)
{
    static const uint8_t seed[ANCHOR_KEY_LEN] = {4};
    struct day today = day_in_brussels((struct instant){f->now_us});
    struct meta meta = flow_meta(f);
    struct command *command = flow_command(f, COMMAND_ANCHOR, 0);
    struct anchor *anchor = &command->anchor.anchor;

    *anchor = (struct anchor){.commit = meta.last_commit, .day = day_number(today)};
    memcpy(anchor->hash, meta.last_hash.at, sizeof anchor->hash);
    anchor_sign(anchor, seed);
    apply_all_well(f, command);
}

// CPAS B follows person 2 since weeks ago and catches up with his addresses.
static void
catch_up(struct flow_fixture *f)
{
    struct day today = day_in_brussels((struct instant){f->now_us});
    struct command *command = flow_integrate(f, CPAS_B, flow_person(2), 4,
                                             day_number(day_add_days(today, -20)), 0);

    command->integrate.items[0].catch_up = true;
    scene_catch_up(f, command);
    apply_all_well(f, command);
    if (command->integrate.results[0].verdict == VERDICT_NO) {
        fail_msg("%s", command->integrate.results[0].faults->fault[0].why.text);
    }
    assert_true(command->integrate.results[0].caught_up > 0);
}

// ---- what came with schema 5 ----

// CPAS B does not want to hear of what is cancelled before it was sent.
static void
withdraw_a_pair(struct flow_fixture *f)
{
    struct hot_mutation cancellation = flow_mutation("notifyPerson", flow_person(5));
    uint64_t number = flow_producer(f, RN, 1).last_number + 1;
    struct command *command;
    char ticket[24];

    flow_want_neither(f, CPAS_B);
    flow_publish_one(f, RN, number, flow_address(5));
    flow_apply(f);
    snprintf(ticket, sizeof ticket, "%llu",
             (unsigned long long)flow_producer(f, RN, 1).last_ticket);
    cancellation.cancels = flow_words(ticket);
    flow_publish_one(f, RN, number + 1, cancellation);
    flow_apply(f);
    command = flow_propose_withdrawal(f);
    apply_all_well(f, command);
    assert_int_equal(command->withdraw.pairs_len, 1);
    assert_true(command->withdraw.pairs[0].withdrawn);
}

// CPAS A wants repeats merged: two addresses of a person wait, and the last stands for both.
static void
merge_repeats_of(struct flow_fixture *f, int person)
{
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(person));
    struct letter letters[2];
    struct command *command = flow_command(f, COMMAND_SET_RULES, 0);
    uint64_t ticket;

    command->set_rules = (struct set_rules_command){
        .mailbox = CPAS_A, .named = RULES_REPEATS, .rules = {.repeats = REPEATS_MERGE}};
    apply_all_well(f, command);
    flow_field(&mutation, "020", "Rue Haute 1");
    for (int i = 0; i < 2; i++) {
        apply_all_well(f, flow_publish_one(f, RN, flow_producer(f, RN, 1).last_number + 1,
                                           mutation));
    }
    ticket = flow_producer(f, RN, 1).last_ticket;
    assert_int_equal(flow_letters(f, CPAS_A, flow_row(f, CPAS_A).last - 1, letters, 2),
                     2);
    command = flow_command(f, COMMAND_ADVANCE, 0);
    command->advance.mailbox = CPAS_A;
    command->advance.merges = xcalloc(1, sizeof *command->advance.merges);
    command->advance.merges_len = 1;
    command->advance.merges[0] = (struct merged_letter){
        .about = {letters[0], flow_person(person).number},
        .ticket = ticket - 1,
        .into_ticket = ticket,
        .into_number = letters[1].number,
    };
    apply_all_well(f, command);
    assert_int_equal(command->advance.merged, 1);
}

// Its records and bodies go in the end.
static void
live_long_ago(struct flow_fixture *f)
{
    add_full_institution(f);
    add_keys(f);
    add_mailbox_of_addresses(f);
    follow_persons(f);
    publish(f, 1, 30);
    acknowledge(f, CPAS_A, 5, 7);
    fold(f);
    publish(f, 31, 30);
    fold(f);
}

static void
live(struct flow_fixture *f)
{
    live_long_ago(f);
    days_pass(f, 62);
    ask_about_persons(f);
    publish_mistakes(f);
    acknowledge(f, CPAS_A, 10, 15);
    publish(f, 61, 50); // a second row of the backlog begins
    fold(f);
    replace_person(f);
    publish(f, 111, 6);
    acknowledge(f, CPAS_A, 12, 30);
    acknowledge(f, MAILBOX_EXTRA_FIRST, 5, 9);
    limit_a_mailbox(f);
    refuse_letters(f);
    let_go(f);
    publish(f, 123, 6); // these wait in the newest commits
    acknowledge(f, CPAS_A, 33, 36);
    correct_and_ask(f);
    apply_all_well(f, flow_command(f, COMMAND_LAPSE, 0));
    want_less(f);
    anchor_today(f);
    catch_up(f);
    withdraw_a_pair(f);
    merge_repeats_of(f, 2);
}

// ---- writing it down ----

static const char *folder;

static void
write_values(struct flow_fixture *f)
{
    struct buffer text = {0};
    char path[4096];
    FILE *file;

    store_dump(flow_view(f), STORE_SCHEMA, &text);
    snprintf(path, sizeof path, "%s/values.txt", folder);
    file = fopen(path, "wx");
    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    buffer_free(&text);
}

// Without the pages that are free: LMDB refuses a file that is there.
static void
write_file(struct flow_fixture *f)
{
    MDB_env *env;

    flow_close_store(f);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, f->path, MDB_RDONLY, 0600), 0);

    int rc = mdb_env_copy2(env, folder, MDB_CP_COMPACT);

    mdb_env_close(env);
    flow_open_store(f);
    if (rc != 0) {
        fail_msg("%s: %s", folder, mdb_strerror(rc));
    }
}

static void
makes_a_store_and_tells_its_values(void **state)
{
    live(*state);
    write_file(*state);
    write_values(*state);
}

// As a test: the hands of the fixture need one to fail in.
int
main(int count, char **words)
{
    const struct CMUnitTest tests[] = {FLOW_TEST(makes_a_store_and_tells_its_values)};

    if (count != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", words[0]);
        return 2;
    }
    folder = words[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
