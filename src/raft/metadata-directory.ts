/** Where a server keeps the metadata log, its snapshots and the state of its vote. */
export const METADATA_DIRECTORY = 'meta/__cluster_metadata-0'
