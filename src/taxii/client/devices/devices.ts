import type { Device, DeviceName } from '../device.ts'
import { cabby } from './cabby.ts'
import { esa } from './esa.ts'
import { minemeld } from './minemeld.ts'
import { tid } from './tid.ts'

const devices: Readonly<Record<DeviceName, Device>> = { esa, cabby, tid, minemeld }

export function createDevice(name: DeviceName): Device {
  return devices[name]
}
