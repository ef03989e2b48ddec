"""Contacts of a service that answers page by page, and not always."""

from runner import Job, Status


class ContactImport(Job):
    def prepare(self, params, status):
        if status is not None:
            self.log(f"going on after page {status.state['page']}")
        return status or Status({"page": 0, "contacts": 0})

    def perform(self, status):
        state = status.state
        contacts = self.fetch(state["page"] + 1)
        with self.batch(self.write, size=2) as batch:
            batch.extend(contacts)
        state["page"] += 1
        state["contacts"] += len(contacts)
        self.progress(state["page"], self.params["pages"], "pages")
        if state["page"] < self.params["pages"]:
            return Status(state)
        self.persistent["imports"] = self.persistent.get("imports", 0) + 1
        self.notify("success", "contacts", f"{state['contacts']} contacts imported")
        return Status(state, complete=True, outputs={"contacts": state["contacts"]})

    def fetch(self, page):
        if page == 3 and self.metadata.attempt == 1:
            raise ConnectionError("the service is away")
        return [f"contact {page}.{number}" for number in (1, 2, 3)]

    def write(self, contacts):
        self.log(f"written: {', '.join(contacts)}")
