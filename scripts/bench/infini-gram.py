"""Builds infini-gram's index of one shard of u16 tokens and attributes answers with it.

Usage: infini-gram.py INDEX_DIR ANSWERS.json. INDEX_DIR holds tokenized.0 and offset.0; prints one line of JSON.
"""
import json
import os
import resource
import subprocess
import sys
import time

index_dir, answers_path = sys.argv[1:]
try:
    from infini_gram.engine import InfiniGramEngine
except ImportError as error:
    print(json.dumps({'why': str(error)}))
    sys.exit(0)

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
build = [sys.executable, '-m', 'infini_gram.indexing', '--data_dir', index_dir, '--save_dir', index_dir]
build += ['--token_dtype', 'u16', '--mem', '8', '--cpus', '1', '--ulimit', str(soft)]
before = resource.getrusage(resource.RUSAGE_CHILDREN)
started = time.perf_counter()
subprocess.run(build, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
after = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
built = time.perf_counter() - started

engine = InfiniGramEngine(index_dir, eos_token_id=0, vocab_size=65535, token_dtype='u16', load_to_ram=True,
                          precompute_unigram_logprobs=True)
with open(answers_path) as file:
    answers = json.load(file)
spans, times, cpus = [], [], []
for answer in answers:
    began, used = time.perf_counter(), time.process_time()
    found = engine.attribute(answer, delim_ids=[], min_len=5, max_cnt=10, enforce_bow=False)['spans']
    times.append((time.perf_counter() - began) * 1e3)
    cpus.append((time.process_time() - used) * 1e3)
    spans.append([[span['l'], span['r'] - span['l'], span['count']] for span in found])
print(json.dumps({'buildS': built, 'buildCpuS': cpu, 'ms': times, 'cpuMs': cpus, 'spans': spans}))
