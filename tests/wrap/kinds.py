"""All kinds in one table, and several of them applied one after the other."""
import faults
import formats
import frames as f
import internet
import links
import netmon
import tags
import tunnels

CHANGES = {**links.KINDS, **tags.KINDS, **tunnels.KINDS, **internet.KINDS, **faults.KINDS}
WRITERS = {**formats.WRITERS, **netmon.WRITERS}
PART = 'frames-'  # frames-6-10: only these of them, from 1
KINDS = {**CHANGES, **faults.SPLITTERS, **WRITERS}


def changed(names, frames):
    """the files that the kinds NAME+NAME..., from inside outward, make of the frames: each (frames, how to write it)"""
    files, writer = [frames], f.write_pcap
    for name in names.split('+') if names else []:
        if name.startswith(PART):
            first, last = map(int, name[len(PART):].split('-'))
            files = [file[first - 1:last] for file in files]
        elif name in WRITERS:
            writer = WRITERS[name]
        elif name in faults.SPLITTERS:
            files = [part for file in files for part in faults.SPLITTERS[name](file)]
        else:
            files = [CHANGES[name](file) for file in files]
    return [(file, writer) for file in files]
