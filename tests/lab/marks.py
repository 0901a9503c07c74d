"""What the judges of the lab share: the words of the table, what a report says, and whether the one allows the other."""
import collections
import csv
import fnmatch
import os

ACCUSED = {'server', 'intermediary', 'local'}
OK, SHY, WRONG, FALSE = 'ok', 'UNDETERMINED-BUT-TELLS', 'WRONG', 'FALSE ACCUSATION'

Words = collections.namedtuple('Words', 'outcome culprit mechanism')  # each a set; empty: not stated
Said = collections.namedtuple('Said', 'outcome culprit confidence mechanism evidence')
SAID_NOTHING = Said('none', 'none', 'none', '-', [])


def groups(text):
    """'server1 rejected server|undetermined syn-reset;server2 ...' as {'server1': Words}"""
    found = {}
    for group in text.split(';') if text != '-' else []:
        server, *words = group.split()
        found[server] = Words(*(set() if word == '-' else set(word.split('|')) for word in words))
    return found


def said_of(report):
    """{address: Said}"""
    return {s['address']: Said(s['outcome'], s['culprit'], s['confidence'], s['mechanism'], s['evidence'])
            for s in report['servers']}


def allows(words, said):
    return all(not allowed or word in allowed
               for allowed, word in zip(words, (said.outcome, said.culprit, said.mechanism)))


def mark_of(truth, view, said):
    if allows(view, said):
        return OK
    if said.culprit in ACCUSED - truth.culprit - view.culprit:
        return FALSE
    if said.outcome == 'answered' and truth.outcome & {'rejected', 'unanswered'} \
            and not view.outcome & {'answered', 'none'}:
        return FALSE
    if said.culprit == 'undetermined' and said.outcome in view.outcome and view.culprit & ACCUSED:
        return SHY
    return WRONG


def either(words):
    return '|'.join(sorted(words)) or '-'


def cases_of(directory, patterns):
    """The rows of DIR/cases.tsv, which tests/lab/run writes."""
    with open(os.path.join(directory, 'cases.tsv'), encoding='utf-8') as file:
        cases = list(csv.DictReader(file, delimiter='\t', quoting=csv.QUOTE_NONE))
    return [case for case in cases if any(
        fnmatch.fnmatchcase(case['name'], p) or fnmatch.fnmatchcase(f'{case["name"]}.v{case["family"]}', p)
        for p in patterns or ['*'])]
