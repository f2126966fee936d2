"""One epoch of a tunnel: a TLS connection under one key, in which both ends have shown who they are.

The connector introduces itself in the flight that completes TLS. The listener verifies it, and answers when its
shell has found the session. No frame of the application passes before both introductions are verified.
"""

from __future__ import annotations

from uuid import UUID

from haris.crypto.signing import Credentials
from haris.nouns.errors import ParameterError, PeerError
from haris.service.framing import Frame, FrameDecoder, Introduce, encode
from haris.service.signatures import EXPORTER_LABEL, EXPORTER_OCTETS, Occasion, sign, verify
from haris.service.tls_psk import Role, TlsFacts, TlsPskEndpoint

SESSION_LABEL = "EXPERIMENTAL haris tunnel session"


class Channel:
    """An epoch in the making, then in use.

    connector: session None and epoch 0 begin a session, named after the exporter of its first connection; a later
    epoch names the session. listener: learns both from the introduction.
    key: 32 octets; credentials: see signatures. Failures raise PeerError; the channel is then dead.
    """

    def __init__(
        self,
        role: Role,
        key_id: UUID,
        key: bytes,
        credentials: Credentials,
        session: bytes | None = None,
        epoch: int = 0,
    ) -> None:
        if (session is None) != (epoch == 0):
            raise ParameterError("only the first epoch of a session has no session to name")
        self.key_id = key_id
        self.session = session
        self.epoch = epoch
        self.introduced = False
        self.authenticated = False
        self._role = role
        self._peer_role = Role.LISTENER if role is Role.CONNECTOR else Role.CONNECTOR
        self._credentials = credentials
        self._decoder = FrameDecoder()
        self._tls = TlsPskEndpoint(role, key_id, key)
        self._greeted = False

    def receive(self, octets: bytes, now_ns: int) -> list[Frame]:
        """Take octets from the wire; return the application's frames. now_ns: wall clock, for certificates."""
        plaintext = self._tls.receive(octets)
        if self._tls.facts is not None and self._role is Role.CONNECTOR:
            self._greet()
        frames = self._decoder.feed(plaintext)
        if frames and not self.introduced:
            self._meet(frames.pop(0), now_ns)
        if frames and not self.authenticated:
            raise PeerError("the peer sends before both ends are authenticated")
        if any(isinstance(frame, Introduce) for frame in frames):
            raise PeerError("the peer introduces itself twice")
        return frames

    def answer(self) -> None:
        """The listener's introduction, once the connector's is verified and its session found."""
        if self._role is not Role.LISTENER or not self.introduced or self.authenticated:
            raise ParameterError("a listener answers once, after the connector's introduction")
        self._greet()
        self.authenticated = True

    def send(self, frame: Frame) -> None:
        """Queue a frame of the application."""
        if not self.authenticated:
            raise ParameterError("nothing of the application may pass before both ends are authenticated")
        self._tls.send(encode(frame))

    def outgoing(self) -> bytes:
        """Octets for the wire."""
        return self._tls.outgoing()

    def close(self) -> None:
        """Say close_notify."""
        self._tls.close()

    @property
    def facts(self) -> TlsFacts | None:
        """What TLS settled on; None before."""
        return self._tls.facts

    @property
    def ended(self) -> bool:
        """The peer has closed this connection in order, between two frames."""
        return self._tls.closed_by_peer and self._decoder.empty

    def _greet(self) -> None:
        if self._greeted:
            return
        self._greeted = True
        if self.session is None:
            self.session = self._session_name()
        certificate, signature = sign(self._credentials, self._role, self._occasion(self.session, self.epoch))
        self._tls.send(encode(Introduce(self.session, self.epoch, certificate, signature)))

    def _meet(self, frame: Frame, now_ns: int) -> None:
        if not isinstance(frame, Introduce):
            raise PeerError("the peer does not introduce itself first")
        occasion = self._occasion(frame.session, frame.epoch)
        verify(self._credentials, self._peer_role, occasion, frame.certificate, frame.signature, now_ns)
        if self._role is Role.CONNECTOR:
            if (frame.session, frame.epoch) != (self.session, self.epoch):
                raise PeerError("the listener answers for another epoch")
            self.authenticated = True
        elif frame.epoch == 0 and frame.session != self._session_name():
            raise PeerError("a first epoch must bear its own name")
        self.session, self.epoch = frame.session, frame.epoch
        self.introduced = True

    def _session_name(self) -> bytes:
        return self._tls.exporter(SESSION_LABEL, b"", 32)

    def _occasion(self, session: bytes, epoch: int) -> Occasion:
        return Occasion(session, epoch, self._tls.exporter(EXPORTER_LABEL, b"", EXPORTER_OCTETS))
