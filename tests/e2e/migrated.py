"""A mailbox that brings out how other servers compute their ids."""

RECEIVED = ("Received: from a.example.org (a.example.org [192.0.2.1])\n"
            "\tby mx.example.org (Postfix) with ESMTP id {0:012X}\n"
            "\tfor <thomas@example.org>; Mon, 16 Nov 2026 10:00:0{0} +0100\n")

# headers that one server or another looks at in a way of its own
HEADERS = [
    "Return-Path: <a@example.org>\nDelivered-To: thomas@example.org\n"
    + RECEIVED.format(1) + RECEIVED.format(2)
    + "Date: Mon, 16 Nov 2026 10:00:00 +0100\nFrom: a@example.org\n"
    "Message-ID: <1@example.org>\nSubject: one\n",
    "From: a@example.org\nDate: Mon, 16 Nov 2026 10:01:00 +0100\n"
    "Message-Id: <2@example.org>\nsubject: two,\n folded and in lower case\n"
    + RECEIVED.format(3),
    "message-id: <3@example.org>\nSUBJECT: three\nX-Delivery-ID: 7.8\n"
    "Delivered-to: a\n b\nX-Loop: c\n",
    "Subject: " + "four " * 300 + "\nDate: Mon, 16 Nov 2026 10:02:00 +0100\n",
    "From: nothing that a server looks at\nTo: thomas\n",
    "Content-Length: 11\nSubject: six\nReply-To: a@example.org\n"
    "Received-SPF: none\nDate: x\nMessage-ID: <6@example.org>\n",
    # twice the same
    "Message-ID: <7@example.org>\nMessage-Id: <7@example.org>\nSubject: 7\n",
    "Message-ID: <7@example.org>\nMessage-Id: <7@example.org>\nSubject: 7\n",
]


def mailbox():
    return "".join(
        f"From a@example.org Mon Nov 16 10:0{n}:00 2026\n{header}\nBody "
        f"{n if n < 7 else 7}.\n\n"
        for n, header in enumerate(HEADERS)).encode()
