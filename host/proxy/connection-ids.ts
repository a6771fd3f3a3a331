let next = 0;

/** Ids of connections with clients and with hosts: unique in the process, from 0. */
export const nextConnectionId = (): number => next++;
