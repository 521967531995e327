"""A second implementation of docs/ATTRIBUTION.md, slow and plain. Prints golden.json, before it is formatted: python3 reference.py > golden.json"""
import hashlib
import json
from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 60
SEPARATOR = 0xFFFFFFFF


def keccak(data):
    def rol(x, n):
        return ((x << n) | (x >> (64 - n))) & (2**64 - 1) if n else x
    rounds, r = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            r = ((r << 1) ^ ((r >> 7) * 0x71)) % 256
            if r & 2:
                constant ^= 1 << ((1 << j) - 1)
        rounds.append(constant)
    lanes = [[0] * 5 for _ in range(5)]
    data = bytearray(data) + b'\x01'
    data += b'\x00' * (-len(data) % 136)
    data[-1] |= 0x80
    for block in range(0, len(data), 136):
        for i in range(17):
            lanes[i % 5][i // 5] ^= int.from_bytes(data[block + 8 * i:block + 8 * i + 8], 'little')
        for constant in rounds:
            c = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
            d = [c[(x + 4) % 5] ^ rol(c[(x + 1) % 5], 1) for x in range(5)]
            lanes = [[lanes[x][y] ^ d[x] for y in range(5)] for x in range(5)]
            x, y, current = 1, 0, lanes[1][0]
            for t in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                current, lanes[x][y] = lanes[x][y], rol(current, (t + 1) * (t + 2) // 2 % 64)
            for y in range(5):
                row = [lanes[x][y] for x in range(5)]
                for x in range(5):
                    lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5])
            lanes[0][0] ^= constant
    return b''.join(lanes[i % 5][i // 5].to_bytes(8, 'little') for i in range(4))


def uint(value, size):
    return value.to_bytes(size, 'big')


def sha(data):
    return hashlib.sha256(data).digest()


def root(entries):
    chunks = [b''.join(entries[i:i + 32]) for i in range(0, len(entries), 32)]
    width = 1
    while width < len(chunks):
        width *= 2
    level = [sha(b'\x00' + uint(i, 4) + chunk) for i, chunk in enumerate(chunks)]
    level += [bytes(32)] * (width - len(level))
    while len(level) > 1:
        level = [sha(b'\x01' + level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def index_of(datanet, version, tokenizer_hash, lengths, documents):
    text, rows, offsets = [], [], []
    for contribution, tokens in documents:
        rows.append((len(text), contribution))
        offset = 0
        for token in tokens:
            offsets.append(offset)
            offset += lengths[token]
        offsets.append(offset)
        text += tokens + [SEPARATOR]
    def key(p):
        found = []
        while text[p] != SEPARATOR and len(found) < 64:
            found.append(text[p])
            p += 1
        return found
    suffixes = sorted(range(len(text)), key=lambda p: (key(p), p))
    unigrams = [text.count(token) for token in range(len(lengths))]
    record = uint(datanet, 8) + uint(version, 4) + tokenizer_hash + uint(len(lengths), 4)
    record += uint(len(text), 4) + uint(len(documents), 4)
    for table in (text, suffixes):
        record += root([uint(entry, 4) for entry in table])
    record += root([uint(start, 4) + uint(contribution, 8) for start, contribution in rows])
    record += root([uint(entry, 4) for entry in unigrams]) + root([uint(entry, 4) for entry in offsets])
    return {'id': keccak(b'\x0a' + record), 'record': record, 'text': text, 'rows': rows, 'datanet': datanet,
            'unigrams': unigrams, 'tokens': len(text) - len(documents)}


TABLE = [int((65536 * (Decimal(256 + i) / 256).ln() / Decimal(2).ln()).to_integral_value()) for i in range(257)]


def log2(x):
    e = x.bit_length() - 1
    y = (x << (40 - e)) - 2**40
    i, r = y >> 32, y % 2**32
    return 65536 * e + TABLE[i] + ((TABLE[i + 1] - TABLE[i]) * r >> 32)


def attribute(indexes, output):
    answer = output[:2048]
    length = len(answer)
    whole = sum(index['tokens'] for index in indexes)

    def places(start, end):
        if start < 0 or end > length:
            return []
        span = answer[start:end]
        if SEPARATOR in span:
            return []
        return [(i, p) for i, index in enumerate(indexes) for p in range(len(index['text']) - len(span) + 1)
                if index['text'][p:p + len(span)] == span]

    def count(token):
        return sum(index['unigrams'][token] if token < len(index['unigrams']) else 0 for index in indexes)
    scores = [(log2(whole) - log2(count(t)) + 128) >> 8 if count(t) else 0 for t in answer]
    candidates = []
    for start in range(length):
        for end in range(start + 5, length + 1):
            found = places(start, end)
            if not found:
                break
            if len(found) <= 10 and not places(start - 1, end) and not places(start, end + 1):
                candidates.append((-sum(scores[start:end]), start - end, start, found))
    kept = []
    for weight, negative, start, found in sorted(candidates)[:-(-length // 20)]:
        owners = [max(row for row in indexes[i]['rows'] if row[0] <= p)[1] for i, p in found]
        kept.append((-weight, -negative, start, found, owners))
    parts = {}
    for weight, _, _, _, owners in kept:
        for owner in set(owners):
            parts[owner] = parts.get(owner, 0) + Fraction(weight, len(set(owners)))
    covered = len({t for _, size, start, _, _ in kept for t in range(start, start + size)})
    total = sum(parts.values())
    datanets = {}
    for index in indexes:
        datanets[index['datanet']] = datanets.get(index['datanet'], 0) + index['tokens']
    listed = sorted(sorted(parts, key=lambda c: (-parts[c], c))[:64])
    rows = []
    if total:
        rest = Fraction(length - covered, length) + Fraction(covered, length) * (1 - sum(parts[c] for c in listed) / total)
        rows += [('S', c, Fraction(covered, length) * parts[c] / total) for c in listed]
        rows += [('U', d, rest * Fraction(datanets[d], whole)) for d in sorted(datanets)]
    else:
        rows += [('U', d, Fraction(datanets[d], whole)) for d in sorted(datanets)]
    weights = [int(share * 10**6) for _, _, share in rows]
    order = sorted(range(len(rows)), key=lambda i: (-(rows[i][2] * 10**6 - weights[i]), i))
    for i in order[:10**6 - sum(weights)]:
        weights[i] += 1
    ids = sorted({owner for span in kept for owner in span[4]})
    evidence = b'\x01' + uint(length, 2) + uint(len(kept), 1) + uint(len(ids), 2)
    evidence += b''.join(uint(score, 2) for score in scores) + b''.join(uint(each, 8) for each in ids)
    for _, size, start, found, owners in kept:
        evidence += uint(start, 2) + uint(size, 2) + uint(len(found), 1)
        for (i, p), owner in zip(found, owners):
            evidence += uint(i, 1) + uint(p, 4) + uint(ids.index(owner), 2)
    return {
        'output': output,
        'spans': [[start, size, weight, [list(place) for place in found]] for weight, size, start, found, _ in kept],
        'shares': [[kind, each, weight] for (kind, each, _), weight in zip(rows, weights) if weight],
        'evidence': '0x' + evidence.hex(),
        'evidenceHash': '0x' + keccak(b'\x0c' + evidence).hex(),
    }


state = 1


def below(end):
    global state
    state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
    return (state >> 33) % end


def example(vocab, shape, own):
    lengths = [1 + t % 5 for t in range(vocab)]
    tokenizer_hash = sha(b'tokenizer')
    indexes, plain, contribution = [], [], 0
    for datanet in shape:
        documents = []
        for _ in range(3):
            contribution += 1 + below(3)
            documents.append((contribution, [below(vocab) for _ in range(below(120) + 5)]))
        index = index_of(datanet, 1 + len(plain), tokenizer_hash, lengths, documents)
        indexes.append(index)
        plain.append({'datanet': datanet, 'version': 1 + len(plain), 'documents': documents,
                      'record': '0x' + index['record'].hex(), 'id': '0x' + index['id'].hex()})
    texts = [tokens for each in plain for _, tokens in each['documents']]
    output = []
    while len(output) < 90:
        tokens = texts[below(len(texts))]
        start = below(len(tokens))
        output += tokens[start:start + 5 + below(80)] + [below(vocab + 2) for _ in range(own)]
    indexes.sort(key=lambda index: index['id'])
    index_set = keccak(b'\x0b' + uint(len(indexes), 1) + b''.join(index['id'] for index in indexes))
    return {'vocab': vocab, 'tokenizerHash': '0x' + tokenizer_hash.hex(), 'tokenLengths': lengths, 'indexes': plain,
            'indexSetHash': '0x' + index_set.hex(), **attribute(indexes, output)}


examples = [example(vocab, shape, own) for vocab, shape, own in
            [(500, [7], 3), (500, [7, 9], 0), (4, [3, 3, 8], 2), (40, [1, 2, 3], 9), (2, [5], 1)]]
print(json.dumps({'source': 'reference.py', 'examples': examples}, separators=(',', ':')))
