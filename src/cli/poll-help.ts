export const pollHelp = `
As which device:
  esa       Cisco Secure Email Gateway: polls the address at once, a full poll in windows of --segment days,
            then delta polls, each from the last end; three attempts
  cabby     cabby's taxii-poll: polls the address at once, everything in one request
  tid       Firepower Threat Intelligence Director: asks at the address for services and collections first
  minemeld  Palo Alto MineMeld: asks first too, then polls day by day

The address is the polling address. With --discover, and always with tid and minemeld, it is where services are
asked for: the poll goes to what is advertised there. Password and certificate go
to no other server than the one named.

Exit codes: 0 polled whole; 1 could not be polled; 2 wrong options; 3 with --strict: something was dropped or
choked on.

--json prints an object a line, each with a "kind":
  start    device, url, collection, begin, end, windows, bindings
  request  exchange, request, attempt, message, url, status, ms, wireBytes, blocks, fault, againInMs
  block    exchange, label, binding, packageId, outcome (ingested, partly, nothing, choked),
           ingested [type, value], dropped [type, value, rule, grade, text], ignored, choked
  window   poll (full, delta), number, begin, end, blocks, parts, ingested, dropped
  warning  rule, text, where
  summary  polledWhole, exitCode, blocks, held, ingested, dropped, ignored, choked, warnings, collections, fault
Blocks of an exchange whose request has a fault are void: it was sent again, or the poll failed.

An answer ends the poll when nothing of it comes for --timeout seconds, when it is not whole after --max-answer
minutes, when a block is larger than --max-block, or when it goes on with something other than blocks. Texts of the
server are cut after 300 characters, in --json after 65,536. How far it is stands on standard error every 10 s.

TLS is 1.2 at least and always verified; a proxy of the environment is not used.

Examples:
  taxiway poll https://feeds.example.org/taxii/poll --collection esa-network --username esa1
  taxiway poll http://127.0.0.1:9000/taxii/discovery --as tid --collection tid --username demo --age 7
  taxiway poll https://10.0.0.5/taxii/poll --collection c --ca ca.pem --json | jq 'select(.kind == "summary")'`
