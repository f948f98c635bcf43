import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * JSSE in either role, at the word of lines on standard input:
 *
 * <pre>
 * client PORT key=value ...
 * server PORT key=value ...
 * </pre>
 *
 * Keys: ca (PEM), own (PKCS #12), suite, version, alpn, auth (want, need). Every connection ends in one line.
 */
final class JavaPeer {
    private static final char[] PASSWORD = "changeit".toCharArray();

    public static void main(String[] arguments) throws Exception {
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        tell("ready");
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            Command command = new Command(line);
            if (command.client) {
                client(command);
            } else {
                server(command);
            }
        }
    }

    private static final class Command {
        final boolean client;
        final int port;
        private final String[] words;

        Command(String line) {
            words = line.split(" ");
            client = words[0].equals("client");
            port = Integer.parseInt(words[1]);
        }

        String get(String key) {
            for (String word : words) {
                if (word.startsWith(key + "=")) {
                    return word.substring(key.length() + 1);
                }
            }
            return null;
        }

        SSLContext context() throws Exception {
            KeyStore trusted = KeyStore.getInstance("PKCS12");
            trusted.load(null, null);
            try (InputStream in = new FileInputStream(get("ca"))) {
                trusted.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(in));
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
            trust.init(trusted);
            KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
            KeyStore own = KeyStore.getInstance("PKCS12");
            own.load(null, null);
            if (get("own") != null) {
                try (InputStream in = new FileInputStream(get("own"))) {
                    own.load(in, PASSWORD);
                }
            }
            keys.init(own, PASSWORD);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
            return context;
        }

        void apply(SSLParameters parameters) {
            parameters.setProtocols(new String[] {get("version") == null ? "TLSv1.3" : get("version")});
            if (get("suite") != null) {
                parameters.setCipherSuites(new String[] {get("suite")});
            }
            if (get("alpn") != null) {
                parameters.setApplicationProtocols(get("alpn").split(","));
            }
            parameters.setNeedClientAuth("need".equals(get("auth")));
        }
    }

    private static void client(Command command) throws Exception {
        try (SSLSocket socket = (SSLSocket) command.context().getSocketFactory().createSocket()) {
            SSLParameters parameters = socket.getSSLParameters();
            command.apply(parameters);
            parameters.setServerNames(List.of(new SNIHostName("localhost")));
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            socket.setSoTimeout(20_000);
            socket.connect(new java.net.InetSocketAddress("127.0.0.1", command.port), 20_000);
            socket.startHandshake();
            socket.getOutputStream().write("hello".getBytes(StandardCharsets.UTF_8));
            socket.shutdownOutput();
            ByteArrayOutputStream echoed = new ByteArrayOutputStream();
            socket.getInputStream().transferTo(echoed);
            finished(socket, echoed.toString(StandardCharsets.UTF_8));
        } catch (IOException error) {
            tell("failed " + error);
        }
    }

    private static void server(Command command) throws Exception {
        SSLServerSocket listener =
                (SSLServerSocket)
                        command.context()
                                .getServerSocketFactory()
                                .createServerSocket(command.port, 10, InetAddress.getByName("127.0.0.1"));
        SSLParameters parameters = listener.getSSLParameters();
        command.apply(parameters);
        listener.setSSLParameters(parameters);
        Thread thread = new Thread(() -> accept(listener));
        thread.setDaemon(true);
        thread.start();
        tell("listening");
    }

    private static void accept(SSLServerSocket listener) {
        while (true) {
            try (SSLSocket socket = (SSLSocket) listener.accept()) {
                socket.setSoTimeout(20_000);
                socket.startHandshake();
                socket.getInputStream().transferTo(socket.getOutputStream());
                socket.shutdownOutput();
                finished(socket, "");
            } catch (IOException error) {
                tell("failed " + error);
            }
        }
    }

    private static void finished(SSLSocket socket, String echoed) {
        String alpn = socket.getApplicationProtocol();
        String suite = socket.getSession().getCipherSuite();
        tell("done " + socket.getSession().getProtocol() + " " + suite + " alpn=" + alpn + " " + echoed);
    }

    private static synchronized void tell(String line) {
        System.out.println(line.replace('\n', ' '));
        System.out.flush();
    }
}
