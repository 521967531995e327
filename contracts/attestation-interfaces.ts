import type { Abi } from './artifact.ts'

/**
 * What is called of the Ethereum Attestation Service and its schema registry (0x4200…0021, 0x4200…0020), whose code is the OP Stack's,
 * not ours: functions, events and errors that a person at the command line meets.
 */
export const attestationInterfaces: Readonly<Record<string, Abi>> = {
  EAS: [
    call('attest', 'payable', [tuple('request', [word('schema'), tuple('data', attestationRequest())])], [word('')]),
    call(
      'revoke',
      'payable',
      [tuple('request', [word('schema'), tuple('data', [word('uid'), field('value', 'uint256')])])],
      [],
    ),
    call('getAttestation', 'view', [word('uid')], [tuple('', attestation())]),
    event('Attested', ['recipient', 'attester'], 'uid', 'schemaUID'),
    event('Revoked', ['recipient', 'attester'], 'uid', 'schemaUID'),
    ...['AccessDenied', 'AlreadyRevoked', 'InvalidAttestation', 'InvalidExpirationTime', 'InvalidRevocation'].map(
      error,
    ),
    ...['InvalidSchema', 'Irrevocable', 'NotFound', 'NotPayable'].map(error),
  ],
  SchemaRegistry: [
    call('register', 'nonpayable', [field('schema', 'string'), address('resolver'), flag('revocable')], [word('')]),
    call('getSchema', 'view', [word('uid')], [tuple('', schemaRecord())]),
    {
      ...{ type: 'event', name: 'Registered', anonymous: false },
      inputs: [
        { ...word('uid'), indexed: true },
        { ...address('registerer'), indexed: true },
        { ...tuple('schema', schemaRecord()), indexed: false },
      ],
    },
    error('AlreadyExists'),
  ],
}

function attestationRequest() {
  return [
    ...[address('recipient'), time('expirationTime'), flag('revocable'), word('refUID')],
    ...[field('data', 'bytes'), field('value', 'uint256')],
  ]
}

function attestation() {
  return [
    ...[word('uid'), word('schema'), time('time'), time('expirationTime'), time('revocationTime'), word('refUID')],
    ...[address('recipient'), address('attester'), flag('revocable'), field('data', 'bytes')],
  ]
}

function schemaRecord() {
  return [word('uid'), address('resolver'), flag('revocable'), field('schema', 'string')]
}

type Field = { readonly name: string; readonly type: string; readonly components?: readonly Field[] }

function field(name: string, type: string): Field {
  return { name, type }
}

function word(name: string): Field {
  return field(name, 'bytes32')
}

function address(name: string): Field {
  return field(name, 'address')
}

function time(name: string): Field {
  return field(name, 'uint64')
}

function flag(name: string): Field {
  return field(name, 'bool')
}

function tuple(name: string, components: readonly Field[]): Field {
  return { name, type: 'tuple', components }
}

function call(name: string, stateMutability: string, inputs: readonly Field[], outputs: readonly Field[]) {
  return { type: 'function', name, stateMutability, inputs, outputs }
}

function event(name: string, who: readonly string[], uid: string, schema: string) {
  const inputs = [
    ...who.map((each) => ({ ...address(each), indexed: true })),
    { ...word(uid), indexed: false },
    { ...word(schema), indexed: true },
  ]
  return { type: 'event', name, anonymous: false, inputs }
}

function error(name: string) {
  return { type: 'error', name, inputs: [] }
}
