"""The whole system on one machine: embedded servers, processes, supervisor (`make up`)."""
