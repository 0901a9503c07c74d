"""What a report says, in a form in which two of them can be compared."""
import datetime
import re

TIME = re.compile(r'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z$')
TIME_TOLERANCE = 1000     # nanoseconds: formats that count in 0.8 us or in binary parts of a second
NUMBER_TOLERANCE = 0.0021  # milliseconds of round trips, the same twice
FIELDS = ('outcome', 'culprit', 'confidence', 'mechanism', 'headline', 'explanation', 'against', 'udp', 'lookups_lost')
CONFIDENCE = ('none', 'indicated', 'strong', 'proven')


def nanoseconds(text):
    match = TIME.match(text)
    whole = datetime.datetime.fromisoformat(match[1] + '+00:00')
    return int(whole.timestamp()) * 1_000_000_000 + int(match[2])


def named_frames(rows, origins):
    """[{input, number}] by the numbers that they have in the plain file"""
    return sorted({origins[row['input']][row['number'] - 1] for row in rows})


def evidence_of(server, origins):
    return [{'rule': row['rule'], 'blames': row['blames'], 'strength': row['strength'], 'text': row['text'],
             'frames': named_frames(row['frames'], origins), 'filter': row['wireshark_filter']}
            for row in server['evidence']]


def line_of(line, origins):
    said = {key: line[key] for key in ('from', 'what', 'ttl', 'hops', 'note')}
    return said | {'frames': [origins[line['input']][line['frame'] - 1]], 'times': line['time']}


def timeline_of(server, origins):
    return [{'flow': f"{flow['client']} {flow['client_port']}", 'stage': flow['stage'], 'history': flow['history'],
             'id': flow['community_id'],
             'lines': [line_of(line, origins) for line in flow['timeline']]} for flow in server['flows']]


def facts_of(status, report, origins):
    """{field: value}; a server's fields are named after it. `origins` lists the plain numbers of each input's frames"""
    verdict = report['verdict']
    facts = {'exit': status, 'vantage': report['vantage'],
             'verdict': [verdict[key] for key in ('outcome', 'culprit', 'confidence', 'headline')],
             'box': [[box['address'], box['distance']] for box in report['intermediaries']]}
    for server in report['servers']:
        tcp = dict(server['tcp'])
        times = [tcp.pop('first_failure', None), tcp.pop('last_failure', None)]
        fields = {key: server[key] for key in FIELDS}
        fields |= {'tcp': tcp, 'times': times, 'evidence': evidence_of(server, origins),
                   'timeline': timeline_of(server, origins)}
        facts |= {f"{server['address']} {field}": value for field, value in fields.items()}
    return facts


def notes_of(facts):
    return [line['note'] for name, flows in facts.items() if name.endswith(' timeline')
            for flow in flows for line in flow['lines']]


def same(plain, other, may_differ=(), field=''):
    if field in may_differ:
        return True
    if isinstance(plain, dict) and isinstance(other, dict):
        return plain.keys() == other.keys() and all(same(plain[key], other[key], may_differ, key) for key in plain)
    if isinstance(plain, list) and isinstance(other, list):
        return len(plain) == len(other) and all(same(a, b, may_differ) for a, b in zip(plain, other))
    if isinstance(plain, float) and isinstance(other, float):
        return abs(plain - other) < NUMBER_TOLERANCE
    if isinstance(plain, str) and isinstance(other, str):
        if TIME.match(plain) and TIME.match(other):
            return abs(nanoseconds(plain) - nanoseconds(other)) <= TIME_TOLERANCE
        if field == 'note':
            return set(plain.split('; ')) - {''} <= set(other.split('; '))  # it may say more
    return plain == other


def differences(plain, other, may_differ):
    """[(field, what the plain file gives, what the other gives)]"""
    found = []
    for name in sorted(plain.keys() | other.keys()):
        if not same(plain.get(name), other.get(name), may_differ, name.split()[-1]):
            found.append((name, plain.get(name), other.get(name)))
    return found


def overstated(plain, other, may_differ):
    """as above, of what must not be: another culprit, more confidence, another outcome; "answered" where it was not"""
    found = []
    for name, said in other.items():
        field, whole = name.split()[-1], plain.get(name)
        if (field == 'outcome' and said not in (whole, 'none') and (field not in may_differ or said == 'answered') or
                field == 'culprit' and said not in (whole, 'undetermined', 'none') or
                field == 'confidence' and CONFIDENCE.index(said) > CONFIDENCE.index(whole or 'none') or
                field == 'exit' and said == 2 and field not in may_differ):
            found.append((name, whole, said))
    return found
