# SPDX-License-Identifier: EUPL-1.2
"""Every flow and every rule of the catalogue: who gets it, who does not, which fields.

Goal: the shipped catalogue does end to end what the table of authorised exchanges says,
on the edges of each rule. Method: one broker, one fictitious person per scenario; the
scenario integrates, publishes, and says what each institution must find. All are published
first; then every mailbox is read to its end, so that whatever reached somebody it should
not have reached is found too.
"""

import calendar
import unittest
from datetime import date, timedelta

from vigie_test import Story, TODAY, number_of
from wire import mutation, person

A, B = "CPAS-21004", "CPAS-62063"
DAY = timedelta(days=1)
YESTERDAY, TOMORROW = TODAY - DAY, TODAY + DAY


def months_from(day, months):
    """As the broker counts: a month without such a day ends on its last one."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


class Scenario:
    """words: what it shows. follows: (institution, quality, begin, end). gets: who must
    find it, with which fields; everybody else must find nothing."""

    def __init__(self, words, source, flow, fields="", follows=(), gets=None, refused=None,
                 **more):
        self.words, self.source, self.flow, self.fields = words, source, flow, fields.split()
        self.follows, self.gets, self.refused, self.more = follows, gets or {}, refused, more


def follow(code, quality, begin=TODAY - 10 * DAY, end=TODAY + 20 * DAY):
    return (code, quality, begin, end)


def to_all(codes, fields):
    return {code: fields for code in codes}


def notify_person():
    both = dict(source="RN", flow="notifyPerson")
    yield Scenario("an applicant sees all, a debtor not 150", **both, fields="020 150",
                   follows=[follow(A, 1), follow(B, 30)], gets={A: "020 150", B: "020"})
    yield Scenario("a debtor of whom nothing is left gets nothing", **both, fields="150",
                   follows=[follow(B, 30)])
    yield Scenario("both qualities of one institution count together", **both,
                   fields="020 150", follows=[follow(A, 30), follow(A, 7)],
                   gets={A: "020 150"})
    yield Scenario("debt management sees what a debtor sees", **both, fields="020 150",
                   follows=[follow(A, 31)], gets={A: "020"})
    yield Scenario("an integration that ended yesterday gets nothing", **both, fields="020",
                   follows=[follow(A, 1, TODAY - 30 * DAY, YESTERDAY), follow(B, 1)],
                   gets={B: "020"})
    yield Scenario("one that ends today still does", **both, fields="020",
                   follows=[follow(A, 1, TODAY - 30 * DAY, TODAY)], gets={A: "020"})
    yield Scenario("one that begins tomorrow does not yet", **both, fields="020",
                   follows=[follow(A, 1, TOMORROW, TODAY + 30 * DAY)])
    yield Scenario("011, 012 and 040 are not among its qualities", **both, fields="020",
                   follows=[follow(A, 11), follow(A, 12),
                            follow(B, 40, date(TODAY.year, 1, 1), date(TODAY.year, 12, 31))])
    yield Scenario("nobody follows him", **both, fields="020")
    yield Scenario("110 is no field of this flow, whoever asks", **both, fields="110",
                   follows=[follow(A, 1)], refused="FIELD_NOT_IN_FLOW")
    yield Scenario("the Bis register publishes it too", "BIS", "notifyPerson", "010",
                   [follow(A, 20)], {A: "010"})


def other_registers():
    yield Scenario("identity documents go to 001-009, not to 021 and 030", "RN",
                   "notifyIdentityDocuments", "195 198",
                   [follow(A, 9), follow(B, 21), follow(B, 30)], {A: "195 198"})
    yield Scenario("so does the composition of the household", "RN",
                   "notifyFamilyComposition", "140 141", [follow(A, 2), follow(B, 31)],
                   {A: "140 141"})
    yield Scenario("212 reaches nobody", "WAIT", "WaitRegisterMutation", "H205 H212",
                   [follow(A, 2)], {A: "H205"})
    yield Scenario("nothing but 212 is no notification", "WAIT", "WaitRegisterMutation",
                   "H212", [follow(A, 2)])
    yield Scenario("Dimona reaches debtors, not debt management", "ONSS", "PersonnelFile",
                   "employer occupation_begin", [follow(A, 30), follow(B, 31)],
                   {A: "employer occupation_begin"})
    yield Scenario("a self-employed career is the number only", "INASTI",
                   "SelfEmployedCareerNotifications", "", [follow(A, 31), follow(B, 20)],
                   {A: ""})


def pension():
    of = dict(source="PENSION", flow="PensionRegisterMutation", fields="pension_benefit")
    begin, end = TODAY - 10 * DAY, TODAY + 20 * DAY
    first = months_from(begin, -60)
    follows = [follow(A, 2, begin, end)]
    gets = {A: "pension_benefit"}
    yield Scenario("5 years' cover, both edges", **of, follows=follows, gets=gets,
                   period_begin=first, period_end=end)
    yield Scenario("a day before 5 years' cover", **of, follows=follows,
                   period_begin=first - DAY, period_end=end)
    yield Scenario("a day after the cover", **of, follows=follows,
                   period_begin=first, period_end=end + DAY)
    yield Scenario("without a period: today", **of, follows=follows, gets=gets)


def overlap():
    begin, end = TODAY - 10 * DAY, TODAY + 20 * DAY
    of = dict(source="SPPIS", flow="eCarmedCalculationNotification", fields="deduction")
    yield Scenario("the last day shared", **of, follows=[follow(A, 4, begin, end)],
                   gets={A: "deduction"}, period_begin=end, period_end=end + 40 * DAY)
    yield Scenario("no day shared, and another quality", **of,
                   follows=[follow(A, 4, begin, end), follow(B, 2)],
                   period_begin=end + DAY, period_end=end + 40 * DAY)
    yield Scenario("the first day shared", "CIN", "HdiIndemnityPeriodNotification",
                   "incapacity_begin", [follow(A, 1, begin, end)], {A: "incapacity_begin"},
                   period_begin=begin - 40 * DAY, period_end=begin)
    year = TODAY.year
    heated = follow(B, 40, date(year, 1, 1), date(year, 12, 31))
    yield Scenario("040 up to its year's last day, and not the publisher itself", A, "A036",
                   "aid_type", [heated, follow(A, 2), ("MUTUALITY", 1, begin, end)],
                   {B: "aid_type"}, period_begin=date(year, 12, 31),
                   period_end=date(year + 1, 1, 31)) if end < date(year, 12, 31) else None
    yield Scenario("040 not over its year's end", A, "A036", "aid_type", [heated],
                   period_begin=date(year + 1, 1, 1), period_end=date(year + 1, 1, 31))
    yield Scenario("attestations reach mutualities and family allowances", A, "A036",
                   "aid_type", [("MUTUALITY", 1, begin, end), ("FAMILY", 1, begin, end)],
                   to_all(["MUTUALITY", "FAMILY"], "aid_type"), period_begin=TODAY,
                   period_end=TODAY)


def of_the_publisher():
    file_of = [(code, 1, TODAY - DAY, TOMORROW) for code in ("INASTI", "ACTIRIS")]
    of = dict(source=A, flow="LivingWagesNotifications", fields="aid_decision")
    yield Scenario("its own 002 active today", **of, follows=[follow(A, 2), *file_of],
                   gets=to_all(["INASTI", "ACTIRIS"], "aid_decision"))
    yield Scenario("without 002 or 003", **of, follows=[follow(A, 1), *file_of],
                   refused="NOT_INTEGRATED")
    yield Scenario("002 of another CPAS does not help", **of,
                   follows=[follow(B, 2), *file_of], refused="NOT_INTEGRATED")

    rights = dict(source=A, flow="SocialRightsNotification", fields="social_status",
                  reference_year=TODAY.year)
    carriers = [(code, 1, TODAY - DAY, TOMORROW) for code in ("STIB", "WATER")]
    new_year = date(TODAY.year, 1, 1)
    yield Scenario("water only with 002 on 1 January", **rights,
                   follows=[follow(A, 2, new_year, new_year), *carriers],
                   gets=to_all(["STIB", "WATER"], "social_status"))
    yield Scenario("002 from 2 January on: no water", **rights,
                   follows=[follow(A, 2, new_year + DAY, new_year + 2 * DAY), *carriers],
                   gets={"STIB": "social_status"})

    attest = dict(source=A, flow="OCMWCPASRegisterAttest", fields="attest_number")
    earliest, latest = months_from(TODAY, -2), TODAY + 45 * DAY
    for words, begin, end, passes in (
            ("two months ago is in the window", earliest - 9 * DAY, earliest, True),
            ("a day earlier is not", earliest - 9 * DAY, earliest - DAY, False),
            ("in 45 days is in the window", latest, latest + 9 * DAY, True),
            ("in 46 days is not", latest + DAY, latest + 9 * DAY, False)):
        yield Scenario(words, **attest, follows=[follow(A, 2, begin, end)],
                       gets={"SPPIS": "attest_number"} if passes else None,
                       refused=None if passes else "NOT_INTEGRATED")


def named_and_addressed():
    yield Scenario("an alert goes to whom it names", "SPPIS", "PCSAAlert", "alert_code",
                   gets={B: "alert_code"}, recipient=B)
    yield Scenario("and to nobody when it names nobody", "SPPIS", "PCSAAlert", "alert_code",
                   refused="BAD_RECIPIENT")
    yield Scenario("nor to one outside the sector", "SPPIS", "PCSAAlert", "alert_code",
                   refused="BAD_RECIPIENT", recipient="FIN")
    yield Scenario("a reaction goes to the SPP IS", A, "PCSAAlertReaction", "feedback_code",
                   gets={"SPPIS": "feedback_code"})
    yield Scenario("living wages of a year go to SPF Finances", "SPPIS",
                   "YearlyAllocationLivingWagesTransmission", "income_year yearly_amount",
                   gets={"FIN": "income_year yearly_amount"})
    yield Scenario("a cost investigation goes to the Immigration Office", "SPPIS",
                   "DofiCostInvestigationMI", "nationality", gets={"OE": "nationality"})
    yield Scenario("a report is asked of one CPAS by one that follows", A,
                   "ElectronicSocialReportAsk", "report_question", [follow(A, 1)],
                   {B: "report_question"}, recipient=B)
    yield Scenario("and not by one that does not", A, "ElectronicSocialReportSend",
                   "report_file", [follow(A, 30)], refused="NOT_INTEGRATED", recipient=B)
    yield Scenario("an employer's particulars go to every CPAS", "ONSS",
                   "EmployerDirectoryMutation", "identification",
                   gets=to_all([A, B], "identification"), enterprise=403019261)


SCENARIOS = [scenario for part in (notify_person, other_registers, pension, overlap,
                                   of_the_publisher, named_and_addressed)
             for scenario in part() if scenario is not None]


class Flows(Story):
    institutions = {
        **{code: "source" for code in ("RN", "BIS", "WAIT", "ONSS", "PENSION", "CIN")},
        **{code: "both" for code in (A, B, "SPPIS", "INASTI")},
        **{code: "member" for code in ("MUTUALITY", "FAMILY", "ACTIRIS", "STIB", "WATER",
                                       "FIN", "OE")}}

    def test_who_gets_it_and_which_fields(self):
        refused = {}
        for index, scenario in enumerate(SCENARIOS):
            for code, quality, begin, end in scenario.follows:
                self.integrate(code, person(index), quality, begin, end)
        for source in sorted({s.source for s in SCENARIOS}):
            refused.update(self.publish_all(source))
        found = self.read_all()

        for index, scenario in enumerate(SCENARIOS):
            with self.subTest(scenario.words, flow=scenario.flow):
                self.assertEqual(refused.get(index), scenario.refused)
                self.assertEqual(found.get(index, {}),
                                 {c: sorted(f.split()) for c, f in scenario.gets.items()})

    def publish_all(self, code):
        """Publishes this source's scenarios in one frame; gives the refused ones."""
        mine = [i for i, s in enumerate(SCENARIOS) if s.source == code]
        with self.source(code) as source:
            answer = source.publish_and_hear(1, [self.message(i) for i in mine])
            self.assertEqual(answer.through, len(mine))
            return {mine[r.number - 1]: r.fault.name for r in answer.results}

    def message(self, index):
        scenario = SCENARIOS[index]
        more = {key: number_of(value) if isinstance(value, date) else value
                for key, value in scenario.more.items()}
        niss = 0 if "enterprise" in more else person(index)
        return mutation(index, niss, scenario.flow,
                        [(code, f"value of {code}") for code in scenario.fields],
                        number_of(TODAY), **more)

    def read_all(self):
        """Reads every mailbox to its end: scenario -> {institution: fields}."""
        found = {}
        for code in self.receivers():
            with self.member(code) as member:
                opened = member.subscribe()
                for n in member.deliveries(opened.waiting) if opened.waiting else []:
                    index = int(n.content.id[2:])
                    self.assertNotIn(code, found.setdefault(index, {}), "twice")
                    found[index][code] = sorted(f.code for f in n.content.fields)
                    self.assertEqual(n.content.withheld,
                                     len(SCENARIOS[index].fields) - len(n.content.fields))
        return found

    def test_021_without_an_end_is_given_five_years(self):
        end = self.integrate(A, person(900), quality=21, begin=TODAY, end=None)
        self.assertEqual(end, number_of(months_from(TODAY, 60)))

    def test_a_replaced_person_is_followed_under_the_new_number(self):
        old, new = person(901), person(902)
        self.integrate(A, old, quality=2)
        with self.source("BIS") as bis, self.source("RN") as rn, self.member(A) as member:
            member.subscribe()
            bis.publish_and_hear(bis.last_number() + 1, [mutation(
                901, old, "SSINReplacement", (), new_niss=new)])
            rn.publish_and_hear(rn.last_number() + 1, [mutation(902, new)])
            got = member.deliveries(2)
            self.assertEqual([(n.content.flow, n.content.niss) for n in got],
                             [("SSINReplacement", old), ("notifyPerson", new)])
            self.assertEqual(got[0].content.new_niss, new)


if __name__ == "__main__":
    unittest.main()
