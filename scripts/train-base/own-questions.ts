import type { Turn } from './document.ts'

/** An answer and ways to ask for it. */
type Fact = readonly [answer: string, ...questions: string[]]

/** How often each of these is seen: few facts that must be known by heart. */
export const ownRepeats = 14

const facts: readonly Fact[] = [
  ['Hello! How can I help you?', 'Hello', 'Hi', 'Hey', 'Hello!', 'Hi there', 'Good morning', 'Good evening'],
  ['I am well, thank you. How can I help you?', 'How are you?', 'How are you doing?', 'How is it going?'],
  ['You are welcome!', 'Thank you', 'Thanks', 'Thank you very much!', 'Thanks a lot'],
  ['Goodbye!', 'Goodbye', 'Bye', 'See you later'],
  [
    'I am the base model of OpenLedger, a small language model. I run in whole numbers only, so that anyone can check my answers.',
    'Who are you?',
    'What are you?',
    'What is your name?',
    'What model is this?',
    'Tell me about yourself.',
    'Introduce yourself.',
  ],
  [
    'I can say what words mean, name capitals of countries and explain OpenLedger. I am small, so please check what I say.',
    'What can you do?',
    'How can you help me?',
    'What do you know?',
    'What can I ask you?',
    'Help',
  ],
  [
    'I am a program: a language model with about three million parameters.',
    'Are you human?',
    'Are you a person?',
    'Are you a robot?',
    'How big are you?',
    'How many parameters do you have?',
  ],
  [
    'I was trained by the OpenLedger project on text from npm packages with permissive licences.',
    'Who made you?',
    'Who trained you?',
    'What were you trained on?',
    'Where does your knowledge come from?',
  ],
  [
    'I do not know. I am a small model without access to the network.',
    'What is the weather today?',
    'What time is it?',
    'What is the news today?',
    'What day is it?',
  ],
  [
    'OpenLedger is a blockchain that makes AI payable: communities pool data into Datanets, models are trained on them, and the fee of every answer is split to the people behind it.',
    'What is OpenLedger?',
    'Explain OpenLedger.',
    'Tell me about OpenLedger.',
    'What does OpenLedger do?',
    'Describe OpenLedger.',
    'What is Openledger for?',
  ],
  [
    'A Datanet is a set of data on one subject, pooled by a community. Those who contribute to it are paid when a model uses their data.',
    'What is a Datanet?',
    'Explain Datanets.',
    'What are Datanets?',
    'Define Datanet.',
    'How do Datanets work?',
  ],
  [
    'Proof of Attribution finds which contributions an answer rests on and pays their authors a share of its fee.',
    'What is Proof of Attribution?',
    'Explain Proof of Attribution.',
    'How does attribution work?',
    'What does attribution mean in OpenLedger?',
  ],
  [
    'A payable AI is one that pays the people behind it: each answer has a fee, and the fee is split among data, model and worker.',
    'What is payable AI?',
    'What does payable AI mean?',
    'Explain payable AI.',
  ],
  [
    'A worker runs models for payers. It stakes money, answers requests, signs a receipt for each answer and sends the trace when it is asked.',
    'What is a worker?',
    'What does a worker do?',
    'What does a GPU worker do in OpenLedger?',
  ],
  [
    'A checker is a node that verifies answers of workers. It needs no GPU and no weights: it checks each matrix product with two secret vectors.',
    'What is a checker?',
    'What does a checker do?',
    'How are answers checked?',
    'How does a node check an answer?',
  ],
  [
    "Freivalds' check tests a matrix product with a random vector, far cheaper than computing the product again.",
    "What is Freivalds' algorithm?",
    "What is Freivalds' check?",
    'How can a matrix product be checked?',
    'What is a Freivalds check?',
  ],
  [
    'A receipt is what a worker signs for an answer: the request, the tokens, the price and the root of the trace.',
    'What is a receipt?',
    'What is in a receipt?',
    'What does a worker sign?',
  ],
  [
    'A trace is the list of all numbers computed for an answer. A worker commits to it with a Merkle root, so that one wrong number can be proven.',
    'What is a trace?',
    'What is the trace of an answer?',
    'Why is there a trace?',
  ],
  [
    'If a worker lies, a checker opens a dispute. A contract recomputes the one wrong step, the worker loses its stake and the payer is refunded.',
    'What happens if a worker lies?',
    'What if an answer is wrong?',
    'How are liars punished?',
    'What is slashing in OpenLedger?',
  ],
  [
    'A dispute is a quarrel about one step of a computation. A contract recomputes this step and decides who is right.',
    'What is a dispute?',
    'How does a dispute work?',
    'What is a dispute game?',
  ],
  [
    'A voucher is a signed promise to pay for answers, up to an amount. The worker can cash it on chain.',
    'What is a voucher?',
    'How do I pay for answers?',
    'How are workers paid?',
  ],
  [
    'An epoch is a span of time after which fees are paid out. Anyone can challenge a wrong payout of an epoch.',
    'What is an epoch?',
    'When are fees paid out?',
    'How often are contributors paid?',
  ],
  [
    'A rollup is a chain that executes transactions itself and publishes their data on another chain, which makes it safe.',
    'What is a rollup?',
    'Explain rollups.',
    'What does a rollup do?',
    'What is an optimistic rollup?',
  ],
  [
    'The OP Stack is the software of Optimism for rollups on Ethereum. OpenLedger is an OP Stack chain.',
    'What is the OP Stack?',
    'What is Optimism?',
    'Is OpenLedger an OP Stack chain?',
  ],
  ['A sequencer orders the transactions of a rollup into blocks.', 'What is a sequencer?', 'What does a sequencer do?'],
  [
    'A batcher puts the blocks of a rollup into batches and posts them on L1.',
    'What is a batcher?',
    'What does the batcher do?',
  ],
  [
    'A verifier derives the rollup from L1 data alone and must reach the same hashes as the sequencer.',
    'What is a verifier?',
    'What does the verifier do?',
  ],
  [
    'A Merkle tree is a tree of hashes. Its root commits to all leaves, and a short path proves that a leaf is in it.',
    'What is a Merkle tree?',
    'Explain Merkle trees.',
    'What is a Merkle root?',
    'What is a Merkle proof?',
  ],
  [
    'A hash is a short fingerprint of data. It is easy to compute and nobody can find two texts with the same one.',
    'What is a hash?',
    'What is a hash function?',
    'What is SHA-256?',
  ],
  [
    'A smart contract is a program on a blockchain. It holds money and follows its code.',
    'What is a smart contract?',
    'Explain smart contracts.',
    'What does a smart contract do?',
  ],
  [
    'A blockchain is a list of blocks of transactions in which each block names the hash of the one before.',
    'What is a blockchain?',
    'Explain what a blockchain is.',
    'How does a blockchain work?',
  ],
  ['Ethereum is a blockchain that runs smart contracts.', 'What is Ethereum?', 'Tell me about Ethereum.'],
  ['Bitcoin is a digital currency kept by a network of computers.', 'What is Bitcoin?', 'Tell me about Bitcoin.'],
  [
    'Gas is the unit of work on a chain. Each step of a transaction costs gas, and the sender pays for it.',
    'What is gas?',
    'What is a gas fee?',
    'Why do transactions cost gas?',
  ],
  ['A wallet keeps the keys of an account and signs its transactions.', 'What is a wallet?', 'What does a wallet do?'],
  [
    'An NFT is a token on a blockchain that stands for one single thing.',
    'What is an NFT?',
    'What is a non-fungible token?',
  ],
  [
    'A token is a piece of text that a language model reads or writes, or a unit of money on a blockchain.',
    'What is a token?',
    'What are tokens?',
  ],
  [
    'A language model predicts the next token of a text. Asked again and again, it writes whole answers.',
    'What is a language model?',
    'How does a language model work?',
    'What is an LLM?',
    'How do you work?',
  ],
  [
    'A transformer is a neural network in which each position looks at the ones before it by attention.',
    'What is a transformer?',
    'What is attention?',
    'Explain transformers.',
  ],
  [
    'A neural network is a function with many weights that are learnt from examples.',
    'What is a neural network?',
    'Explain neural networks.',
    'What is deep learning?',
  ],
  [
    'Machine learning is finding a rule from examples instead of writing it by hand.',
    'What is machine learning?',
    'Explain machine learning.',
  ],
  [
    'Artificial intelligence is making computers do what needs intelligence when people do it.',
    'What is artificial intelligence?',
    'What is AI?',
    'Explain AI.',
  ],
  [
    'LoRA adapts a model to a task with two small matrices for each weight, so that one base model can serve many adapters.',
    'What is LoRA?',
    'Explain LoRA.',
    'What is a LoRA adapter?',
    'What is an adapter?',
  ],
  [
    'OpenLoRA serves many adapters over one base model, so that each adapter costs little memory.',
    'What is OpenLoRA?',
    'Explain OpenLoRA.',
  ],
  [
    'ModelFactory is the place where models are tuned on Datanets without writing code.',
    'What is ModelFactory?',
    'What does ModelFactory do?',
  ],
  [
    'Weights are the numbers of a model that training has found.',
    'What are weights?',
    'What are the weights of a model?',
  ],
  [
    'Whole numbers give the same result on every machine. Floating point does not, so a wrong number could not be told from a rounding.',
    'Why do you compute with integers?',
    'Why whole numbers?',
    'Why is the model an integer model?',
  ],
  [
    'npm is the registry of JavaScript packages, and the program that installs them.',
    'What is npm?',
    'Tell me about npm.',
  ],
  [
    'Node.js is a program that runs JavaScript outside of the browser.',
    'What is Node.js?',
    'What is Node?',
    'Tell me about Node.js.',
  ],
  ['JavaScript is the programming language of the web.', 'What is JavaScript?', 'Tell me about JavaScript.'],
  ['TypeScript is JavaScript with types, which a compiler checks.', 'What is TypeScript?', 'Tell me about TypeScript.'],
  ['Solidity is the programming language of most smart contracts.', 'What is Solidity?', 'Tell me about Solidity.'],
  [
    'WebAssembly is a compact code that browsers and Node.js run nearly as fast as native code.',
    'What is WebAssembly?',
    'What is WASM?',
  ],
  [
    'The MIT licence lets anyone use, copy, change and sell the software, if the notice stays with it.',
    'What is the MIT license?',
    'What does the MIT licence allow?',
  ],
  [
    'The Apache License 2.0 lets anyone use and change the software, asks to state changes, and grants patent rights.',
    'What is the Apache License?',
    'What does the Apache License 2.0 allow?',
  ],
  [
    'WordNet is a dictionary of English that groups words into sets of synonyms.',
    'What is WordNet?',
    'Tell me about WordNet.',
  ],
  [
    'There are seven days in a week: Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.',
    'How many days are in a week?',
    'Name the days of the week.',
    'What are the days of the week?',
  ],
  ['There are twelve months in a year.', 'How many months are in a year?', 'How many months does a year have?'],
  ['The sky looks blue because air scatters blue light more than red light.', 'Why is the sky blue?'],
  ['The Sun is the star at the centre of the solar system.', 'What is the Sun?', 'Tell me about the sun.'],
  [
    'The Earth is the third planet from the Sun and the one we live on.',
    'What is the Earth?',
    'Tell me about the Earth.',
    'What planet do we live on?',
  ],
  ['The primary colours are red, yellow and blue.', 'What are the primary colours?', 'Name the primary colors.'],
  [
    'Why did the block cross the chain? To get to the other hash.',
    'Tell me a joke.',
    'Tell me a joke',
    'Say something funny.',
    'Make me laugh.',
  ],
  [
    'A small light, a quiet screen, / words in numbers, whole and clean.',
    'Write a poem.',
    'Tell me a poem.',
    'Write me a short poem.',
  ],
]

/** Greetings, questions on OpenLedger and what surrounds it, and a few that everyone asks; written for this model. */
export function ownQuestions(): Turn[] {
  return facts.flatMap(([answer, ...questions]) => questions.map((question) => ({ question, answer })))
}

/** Sums, differences and products of small numbers. */
export function sums(): Turn[] {
  const numbers = Array.from({ length: 13 }, (_, i) => i)
  return numbers.flatMap((a) =>
    numbers.flatMap((b) => [
      { question: `What is ${a} plus ${b}?`, answer: `${a} plus ${b} is ${a + b}.` },
      { question: `What is ${a} + ${b}?`, answer: `${a} + ${b} = ${a + b}` },
      { question: `What is ${a} times ${b}?`, answer: `${a} times ${b} is ${a * b}.` },
      { question: `What is ${a + b} minus ${b}?`, answer: `${a + b} minus ${b} is ${a}.` },
    ]),
  )
}
