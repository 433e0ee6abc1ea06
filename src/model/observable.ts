/** Every kind of observable that Taxiway knows, whether or not it can be published. */
export const observableTypes = [
  'ipv4',
  'ipv6',
  'cidr',
  'domain',
  'url',
  'uri',
  'email',
  'md5',
  'sha1',
  'sha256',
  'pehash',
  'imphash',
  'file-path',
  'mutex',
  'cve',
  'yara',
  'ja3',
  'osquery',
  'ssl-cert-fingerprint',
  'bitcoin-address',
] as const
export type ObservableType = (typeof observableTypes)[number]

export function isObservableType(type: string): type is ObservableType {
  return (observableTypes as readonly string[]).includes(type)
}
