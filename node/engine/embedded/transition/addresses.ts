import { hexToBytes } from '../../../../protocol/bytes.ts'

/** Accounts the transition itself reads or writes. Spec: protocol/predeploys.md. */
export const sequencerFeeVault = hexToBytes('0x4200000000000000000000000000000000000011')
export const l1Block = hexToBytes('0x4200000000000000000000000000000000000015')
export const baseFeeVault = hexToBytes('0x4200000000000000000000000000000000000019')
export const l1FeeVault = hexToBytes('0x420000000000000000000000000000000000001a')
export const operatorFeeVault = hexToBytes('0x420000000000000000000000000000000000001b')
/** Caller of the system calls. Source: EIP-4788. */
export const systemAddress = hexToBytes('0xfffffffffffffffffffffffffffffffffffffffe')
/** Source: EIP-4788. */
export const beaconRoots = hexToBytes('0x000f3df6d732807ef1319fb7b8bb8522d0beac02')
/** Source: EIP-2935. */
export const historyStorage = hexToBytes('0x0000f90827f1c53a10cb7a02335b175320002935')
/** Gets its code when Canyon activates. Spec: protocol/canyon/overview.md. */
export const create2Deployer = hexToBytes('0x13b0d85ccb8bf860b6b79af3029fca081ae9bef2')
