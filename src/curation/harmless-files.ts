import type { Reason } from './reasons.ts'

export interface HarmlessFile {
  readonly reason: Extract<Reason, 'empty-file-hash' | 'eicar'>
  readonly rule: string
  readonly name: string
}

const emptyFile = {
  reason: 'empty-file-hash',
  rule: 'file:empty',
  name: 'the empty file',
} as const satisfies HarmlessFile

function eicar(rule: string, name: string): HarmlessFile {
  return { reason: 'eicar', rule: `file:${rule}`, name }
}

const eicarCom = eicar('eicar.com', 'the EICAR test file')
const eicarLf = eicar('eicar-lf', 'the EICAR test file ended by LF')
const eicarCrLf = eicar('eicar-crlf', 'the EICAR test file ended by CR LF')
const eicarZip = eicar('eicar_com.zip', "EICAR's eicar_com.zip")
const eicarZipZip = eicar('eicarcom2.zip', "EICAR's eicarcom2.zip")

/**
 * Files that feeds report as malicious and that are not, by MD5, SHA-1 and SHA-256.
 * Hashes rather than the file itself: scanners would quarantine a source file that holds EICAR.
 */
export const harmlessFiles: ReadonlyMap<string, HarmlessFile> = new Map([
  ['d41d8cd98f00b204e9800998ecf8427e', emptyFile],
  ['da39a3ee5e6b4b0d3255bfef95601890afd80709', emptyFile],
  ['e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', emptyFile],
  ['44d88612fea8a8f36de82e1278abb02f', eicarCom],
  ['3395856ce81f2b7382dee72602f798b642f14140', eicarCom],
  ['275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f', eicarCom],
  ['69630e4574ec6798239b091cda43dca0', eicarLf],
  ['cf8bd9dfddff007f75adf4c2be48005cea317c62', eicarLf],
  ['131f95c51cc819465fa1797f6ccacf9d494aaaff46fa3eac73ae63ffbdfd8267', eicarLf],
  ['e7e5fa40569514ec442bbdf755d89c2f', eicarCrLf],
  ['a6c80ce949469cc86f6c22355f4d3bb8773fc634', eicarCrLf],
  ['8b3f191819931d1f2cef7289239b5f77c00b079847b9c2636e56854d1e5eff71', eicarCrLf],
  ['6ce6f415d8475545be5ba114f208b0ff', eicarZip],
  ['d27265074c9eac2e2122ed69294dbc4d7cce9141', eicarZip],
  ['2546dcffc5ad854d4ddc64fbf056871cd5a00f2471cb7a5bfd4ac23b6e9eedad', eicarZip],
  ['e4968ef99266df7c9a1f0637d2389dab', eicarZipZip],
  ['bec1b52d350d721c7e22a6d4bb0a92909893a3ae', eicarZipZip],
  ['e1105070ba828007508566e28a2b8d4c65d192e9eaf3b7868382b7cae747b397', eicarZipZip],
])
