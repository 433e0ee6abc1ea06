import type { Device } from '../device.ts'
import { countInline } from './count-inline.ts'

export const esa: Device = {
  name: 'esa',
  title: 'Cisco Secure Email Gateway',
  discovers: false,
  binding: undefined,
  windowDays: undefined,
  attempts: 3,
  userAgent: 'python-requests/2.31.0',
  read: countInline,
}
