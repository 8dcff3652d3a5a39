/** Charts: loaded only by pages that show one. */
export {};
