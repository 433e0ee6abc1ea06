/** The objects of CybOX 2.1, as their types are called without `ObjectType` at the end. */
const objects = `
API ARPCache AS Account Address ArchiveFile Artifact Code Custom DNSCache DNSQuery DNSRecord
Device Disk DiskPartition DomainName EmailMessage File GUI GUIDialogbox GUIWindow HTTPSession
Hostname ImageFile Library Link LinuxPackage Memory Mutex NetRoute NetworkConnection NetworkFlow
NetworkPacket NetworkRouteEntry NetworkSocket NetworkSubnet PDFFile Pipe Port Process Product
SMSMessage Semaphore SocketAddress System URI URLHistory UnixFile UnixNetworkRouteEntry UnixPipe
UnixProcess UnixUserAccount UnixVolume UserAccount UserSession Volume Whois
WindowsComputerAccount WindowsCriticalSection WindowsDriver WindowsEvent WindowsEventLog
WindowsExecutableFile WindowsFile WindowsFilemapping WindowsHandle WindowsHook WindowsKernel
WindowsKernelHook WindowsMailslot WindowsMemoryPageRegion WindowsMutex WindowsNetworkRouteEntry
WindowsNetworkShare WindowsPipe WindowsPrefetch WindowsProcess WindowsRegistryKey
WindowsSemaphore WindowsService WindowsSystem WindowsSystemRestore WindowsTask WindowsThread
WindowsUserAccount WindowsVolume WindowsWaitableTimer X509Certificate
`

// These alone are called otherwise.
const others = [
  'DeviceObjectListType',
  'DeviceObjectStructType',
  'UnixGroupType',
  'UnixPrivilegeType',
  'WindowsGroupType',
  'WindowsPrivilegeType',
]

/** The local names of the types that CybOX 2.1 has for the Properties of an object. */
export const cyboxObjectTypes: ReadonlySet<string> = new Set([
  ...objects
    .trim()
    .split(/\s+/)
    .map((name) => `${name}ObjectType`),
  ...others,
])
