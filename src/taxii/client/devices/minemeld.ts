import type { Device } from '../device.ts'
import { countInline } from './count-inline.ts'

export const minemeld: Device = {
  name: 'minemeld',
  title: 'Palo Alto Networks MineMeld',
  discovers: true,
  binding: 'urn:stix.mitre.org:xml:1.1.1',
  windowDays: 1,
  attempts: 1,
  userAgent: 'libtaxii.httpclient',
  read: countInline,
}
