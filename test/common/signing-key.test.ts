import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { decryptKeystore, loadSigningKey } from '../../common/signing-key.ts'

// The two examples of the Web3 Secret Storage Definition (ethereum.org).
const key = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d'
const pbkdf2Keystore = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2',
    kdfparams: {
      c: 262144,
      dklen: 32,
      prf: 'hmac-sha256',
      salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
    },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  version: 3,
}
const scryptKeystore = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' },
    ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
    kdf: 'scrypt',
    kdfparams: {
      dklen: 32,
      n: 262144,
      p: 8,
      r: 1,
      salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19',
    },
    mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
  },
  version: 3,
}

test.each([
  ['pbkdf2', pbkdf2Keystore],
  ['scrypt', scryptKeystore],
])('the published %s keystore opens', async (_, keystore) => {
  expect(await decryptKeystore(keystore, 'testpassword', 'batcher')).toBe(key)
})

test('a wrong password is told from a damaged file', async () => {
  await expect(decryptKeystore(pbkdf2Keystore, 'wrong', 'batcher')).rejects.toThrow('does not open with this password')
  await expect(decryptKeystore({ version: 3, crypto: {} }, 'x', 'batcher')).rejects.toThrow('aes-128-ctr')
  await expect(decryptKeystore({ version: 1 }, 'x', 'batcher')).rejects.toThrow('not a version 3')
})

test('keystore and password come from files, the line end is not part of the password', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openledger-key-'))
  await writeFile(join(dir, 'key.json'), JSON.stringify(pbkdf2Keystore))
  await writeFile(join(dir, 'password'), 'testpassword\n')
  const source = { purpose: 'batcher', keystorePath: join(dir, 'key.json'), allowDevKeys: false }
  expect(await loadSigningKey({ ...source, passwordFile: join(dir, 'password') })).toBe(key)
  await expect(loadSigningKey(source)).rejects.toThrow('needs a password')
})

test('a development key is refused unless the caller runs a development chain', async () => {
  const source = { purpose: 'batcher', privateKey: devPrivateKeys[0] }
  await expect(loadSigningKey({ ...source, allowDevKeys: false })).rejects.toThrow('public development key')
  expect(await loadSigningKey({ ...source, allowDevKeys: true })).toBe(devPrivateKeys[0])
})

test('the message about a malformed key does not repeat it', async () => {
  const secret = `${'ab'.repeat(31)}zz`
  const error = await loadSigningKey({ purpose: 'batcher', privateKey: secret, allowDevKeys: true }).catch(String)
  expect(error).toContain('not a private key')
  expect(error).not.toContain('abab')
  await expect(loadSigningKey({ purpose: 'batcher', privateKey: '0'.repeat(64), allowDevKeys: true })).rejects.toThrow(
    'not a private key',
  )
})
