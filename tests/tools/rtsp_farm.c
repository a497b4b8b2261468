/* rtsp_farm: N live cameras on rtsp://127.0.0.1:PORT/cam1../camN out of encoded clips, looped for ever, never
 * transcoded.
 *
 * Built by meson where gst-rtsp-server is installed (Debian: libgstrtspserver-1.0-dev,
 * gstreamer1.0-plugins-base, -good, -bad).
 *
 *   rtsp_farm --file a.mp4 [--file b.mp4 ...] [--cams 8] [--port 8554] [--bind 127.0.0.1] [--user U
 * --password P]
 *             [--mid-gop] [--marks FILE] [--loss SHARE]
 *
 * Clips: H.264 or HEVC in mp4; camera i plays clip (i-1) mod files, each camera at its own place in the clip.
 * A camera has wall-clock time: time stamps go on over the end of the clip; after SIGSTOP + SIGCONT of more
 * than a second it goes on with the picture of now, as a camera behind a frozen network does. The first
 * viewer gets a key frame at once; with --mid-gop he gets whatever is due and waits for the next key frame,
 * as with most real cameras. A mount is one shared pipeline which exists while somebody watches.
 * --user/--password: digest authentication. --marks FILE: appends "unix_seconds camera frame_of_clip" for
 * every key frame handed to the network. Prints "ready" on standard output; exit 1 when the port is taken.
 * Die by any signal, start again at once. */
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    GstBuffer *buf;  /* owns the coded picture; copied as a reference for every send */
    gint64 dts, pts; /* ns from the start of the clip */
    gboolean key;
} Picture;

typedef struct {
    const char *path;
    GstCaps *caps;
    gboolean hevc;
    GArray *pics;  /* Picture */
    gint64 length; /* ns, one turn */
} Clip;

typedef struct {
    int number;
    Clip *clip;
    GstElement *src; /* NULL while nobody watches; under lock */
    gboolean running;
    gint64 turn_t0; /* monotonic ns at which the current turn of the clip began */
    guint next;     /* index of the next picture */
} Camera;

static GMutex lock;
static Camera *cams;
static int ncams = 8;
static gboolean mid_gop;
static FILE *marks;
static gint64 epoch;
static gdouble loss;

static gint64 now_ns(void)
{
    return g_get_monotonic_time() * 1000;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "rtsp_farm: %s: %s\n", what, why);
    exit(1);
}

/* ---- reading a clip ---- */

static void on_pad(GstElement *demux, GstPad *pad, gpointer user)
{
    (void)demux;
    GstElement *pipe = user;
    GstCaps *caps = gst_pad_get_current_caps(pad);
    const char *name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
    const char *chain = NULL;
    if (g_str_equal(name, "video/x-h264"))
        chain = "h264parse ! video/x-h264,stream-format=avc,alignment=au ! appsink name=out sync=false";
    else if (g_str_equal(name, "video/x-h265"))
        chain = "h265parse ! video/x-h265,stream-format=hvc1,alignment=au ! appsink name=out sync=false";
    gst_caps_unref(caps);
    GstElement *have = gst_bin_get_by_name(GST_BIN(pipe), "out");
    if (chain && !have) {
        GstElement *bin = gst_parse_bin_from_description(chain, TRUE, NULL);
        gst_bin_add(GST_BIN(pipe), bin);
        GstPad *sink = gst_element_get_static_pad(bin, "sink");
        gst_pad_link(pad, sink);
        gst_object_unref(sink);
        gst_element_sync_state_with_parent(bin);
    } else {
        GstElement *fake = gst_element_factory_make("fakesink", NULL);
        g_object_set(fake, "sync", FALSE, "async", FALSE, NULL);
        gst_bin_add(GST_BIN(pipe), fake);
        GstPad *sink = gst_element_get_static_pad(fake, "sink");
        gst_pad_link(pad, sink);
        gst_object_unref(sink);
        gst_element_sync_state_with_parent(fake);
    }
    if (have)
        gst_object_unref(have);
}

static void load(Clip *c, const char *path)
{
    c->path = path;
    c->pics = g_array_new(FALSE, FALSE, sizeof(Picture));
    GstElement *pipe = gst_pipeline_new(NULL), *file = gst_element_factory_make("filesrc", NULL),
               *demux = gst_element_factory_make("qtdemux", NULL);
    if (!file || !demux)
        die("GStreamer", "filesrc or qtdemux missing (gstreamer1.0-plugins-good)");
    g_object_set(file, "location", path, NULL);
    gst_bin_add_many(GST_BIN(pipe), file, demux, NULL);
    gst_element_link(file, demux);
    g_signal_connect(demux, "pad-added", G_CALLBACK(on_pad), pipe);
    gst_element_set_state(pipe, GST_STATE_PLAYING);
    GstElement *out = NULL;
    GstBus *bus = gst_element_get_bus(pipe);
    for (int i = 0; i < 500 && !out; i++) {
        GstMessage *m =
            gst_bus_timed_pop_filtered(bus, 10 * GST_MSECOND, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
        if (m)
            die(path, "not an mp4 with H.264 or HEVC video");
        out = gst_bin_get_by_name(GST_BIN(pipe), "out");
    }
    if (!out)
        die(path, "no H.264 or HEVC video found");
    gint64 first = 0, last_dur = 40 * GST_MSECOND;
    for (;;) {
        GstSample *s = gst_app_sink_pull_sample(GST_APP_SINK(out));
        if (!s)
            break;
        GstBuffer *b = gst_sample_get_buffer(s);
        if (!c->caps) {
            c->caps = gst_caps_ref(gst_sample_get_caps(s));
            c->hevc = g_str_equal(gst_structure_get_name(gst_caps_get_structure(c->caps, 0)), "video/x-h265");
        }
        gint64 dts = (gint64)(GST_BUFFER_DTS_IS_VALID(b) ? GST_BUFFER_DTS(b) : GST_BUFFER_PTS(b));
        if (!c->pics->len)
            first = dts;
        if (GST_BUFFER_DURATION_IS_VALID(b))
            last_dur = (gint64)GST_BUFFER_DURATION(b);
        Picture p = {gst_buffer_copy_deep(b), dts - first, (gint64)GST_BUFFER_PTS(b) - first,
                     !GST_BUFFER_FLAG_IS_SET(b, GST_BUFFER_FLAG_DELTA_UNIT)};
        g_array_append_val(c->pics, p);
        gst_sample_unref(s);
    }
    if (!c->pics->len || !g_array_index(c->pics, Picture, 0).key)
        die(path, "no pictures, or no key frame first");
    c->length = g_array_index(c->pics, Picture, c->pics->len - 1).dts + last_dur;
    gst_object_unref(out);
    gst_object_unref(bus);
    gst_element_set_state(pipe, GST_STATE_NULL);
    gst_object_unref(pipe);
}

/* ---- playing ---- */

static Picture *pic(Camera *c, guint i)
{
    return &g_array_index(c->clip->pics, Picture, i);
}

/* puts the camera at its wall-clock place; on a key frame sent now unless --mid-gop */
static void place(Camera *c, gint64 now)
{
    gint64 pos = (now - epoch + (gint64)c->number * c->clip->length * 7 / 23) % c->clip->length;
    guint i = 0;
    while (i + 1 < c->clip->pics->len && pic(c, i + 1)->dts <= pos)
        i++;
    if (!mid_gop)
        while (!pic(c, i)->key)
            i--;
    c->next = i;
    c->turn_t0 = now - pic(c, i)->dts;
    c->running = TRUE;
}

/* sends what is due; returns the time of the next picture */
static gint64 feed(Camera *c, gint64 now)
{
    GstElement *top = c->src;
    for (GstObject *o; (o = GST_OBJECT_PARENT(top)) != NULL;)
        top = GST_ELEMENT(o);
    if (GST_STATE(top) != GST_STATE_PLAYING)
        return now + 5 * GST_MSECOND;
    if (!c->running || now - (c->turn_t0 + pic(c, c->next)->dts) > (gint64)GST_SECOND)
        place(c, now);
    gint64 base = (gint64)gst_element_get_base_time(c->src);
    for (;;) {
        Picture *p = pic(c, c->next);
        gint64 due = c->turn_t0 + p->dts;
        if (due > now)
            return due;
        if (due >= base) {
            GstBuffer *b = gst_buffer_copy(p->buf); /* metadata only, the coded bytes are shared */
            GST_BUFFER_DTS(b) = (GstClockTime)(due - base);
            GST_BUFFER_PTS(b) = (GstClockTime)(due - base + p->pts - p->dts);
            if (marks && p->key) {
                struct timespec t;
                clock_gettime(CLOCK_REALTIME, &t);
                fprintf(marks, "%lld.%06ld %d %u\n", (long long)t.tv_sec, t.tv_nsec / 1000, c->number,
                        c->next);
                fflush(marks);
            }
            gst_app_src_push_buffer(GST_APP_SRC(c->src), b);
        }
        if (++c->next == c->clip->pics->len) {
            c->next = 0;
            c->turn_t0 += c->clip->length;
        }
    }
}

static gpointer pace(gpointer none)
{
    (void)none;
    for (;;) {
        gint64 now = now_ns(), wake = now + 20 * GST_MSECOND;
        g_mutex_lock(&lock);
        for (int i = 0; i < ncams; i++)
            if (cams[i].src) {
                gint64 due = feed(&cams[i], now);
                if (due < wake)
                    wake = due;
            }
        g_mutex_unlock(&lock);
        gint64 rest = wake - now_ns();
        if (rest > 0)
            g_usleep((gulong)(rest / 1000 + 1));
    }
    return NULL;
}

static void on_unprepared(GstRTSPMedia *media, Camera *c)
{
    GstElement *el = gst_rtsp_media_get_element(media),
               *src = gst_bin_get_by_name_recurse_up(GST_BIN(el), "src");
    g_mutex_lock(&lock);
    if (c->src == src) {
        gst_object_unref(c->src);
        c->src = NULL;
    }
    g_mutex_unlock(&lock);
    gst_object_unref(src);
    gst_object_unref(el);
}

static void on_media(GstRTSPMediaFactory *f, GstRTSPMedia *media, Camera *c)
{
    (void)f;
    GstElement *el = gst_rtsp_media_get_element(media),
               *src = gst_bin_get_by_name_recurse_up(GST_BIN(el), "src");
    gst_app_src_set_caps(GST_APP_SRC(src), c->clip->caps);
    g_mutex_lock(&lock);
    if (c->src)
        gst_object_unref(c->src);
    c->src = src;
    c->running = FALSE;
    g_mutex_unlock(&lock);
    g_signal_connect(media, "unprepared", G_CALLBACK(on_unprepared), c);
    gst_object_unref(el);
}

static gboolean sweep(gpointer server)
{
    GstRTSPSessionPool *pool = gst_rtsp_server_get_session_pool(server);
    gst_rtsp_session_pool_cleanup(pool);
    g_object_unref(pool);
    return TRUE;
}

int main(int argc, char **argv)
{
    int port = 8554;
    gchar *bind_to = NULL, *user = NULL, *password = NULL, *marks_path = NULL, **files = NULL;
    GOptionEntry opts[] = {
        {"port", 0, 0, G_OPTION_ARG_INT, &port, "TCP port (8554)", "PORT"},
        {"cams", 0, 0, G_OPTION_ARG_INT, &ncams, "number of cameras (8)", "N"},
        {"file", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, "clip, may be given several times", "F"},
        {"bind", 0, 0, G_OPTION_ARG_STRING, &bind_to, "address (127.0.0.1)", "ADDR"},
        {"user", 0, 0, G_OPTION_ARG_STRING, &user, "digest authentication", "U"},
        {"password", 0, 0, G_OPTION_ARG_STRING, &password, "digest authentication", "P"},
        {"mid-gop", 0, 0, G_OPTION_ARG_NONE, &mid_gop, "do not begin with a key frame", NULL},
        {"loss", 0, 0, G_OPTION_ARG_DOUBLE, &loss, "share of the packets that get lost (0)", "SHARE"},
        {"marks", 0, 0, G_OPTION_ARG_FILENAME, &marks_path, "append the time of every key frame", "FILE"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    GError *err = NULL;
    GOptionContext *ctx = g_option_context_new("- live RTSP cameras out of clips");
    g_option_context_add_main_entries(ctx, opts, NULL);
    g_option_context_add_group(ctx, gst_init_get_option_group());
    if (!g_option_context_parse(ctx, &argc, &argv, &err))
        die("usage", err->message);
    if (!files || !files[0])
        die("usage", "at least one --file is needed (--help)");
    if (ncams < 1 || ncams > 1000 || port < 1 || port > 65535)
        die("usage", "--cams 1..1000, --port 1..65535");
    if (marks_path && !(marks = fopen(marks_path, "a")))
        die(marks_path, "cannot be written");

    guint nfiles = g_strv_length(files);
    Clip *clips = g_new0(Clip, nfiles);
    for (guint i = 0; i < nfiles; i++)
        load(&clips[i], files[i]);

    GstRTSPServer *server = gst_rtsp_server_new();
    gchar *service = g_strdup_printf("%d", port);
    gst_rtsp_server_set_address(server, bind_to ? bind_to : "127.0.0.1");
    gst_rtsp_server_set_service(server, service);
    gst_rtsp_server_set_backlog(server, 128);
    if (user) {
        GstRTSPAuth *auth = gst_rtsp_auth_new();
        GstRTSPToken *token =
            gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", NULL);
        gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
        gst_rtsp_auth_add_digest(auth, user, password ? password : "", token);
        gst_rtsp_token_unref(token);
        gst_rtsp_server_set_auth(server, auth);
        g_object_unref(auth);
    }
    cams = g_new0(Camera, (gsize)ncams);
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(server);
    for (int i = 0; i < ncams; i++) {
        cams[i].number = i + 1;
        cams[i].clip = &clips[(guint)i % nfiles];
        GstRTSPMediaFactory *f = gst_rtsp_media_factory_new();
        const char *pay = cams[i].clip->hevc ? "rtph265pay" : "rtph264pay";
        gchar *loses = loss > 0 ? g_strdup_printf("! identity name=pay0 drop-probability=%.3f", loss) : NULL;
        gchar *launch = g_strdup_printf("( appsrc name=src is-live=true format=time block=false "
                                        "max-bytes=2000000 leaky-type=downstream ! "
                                        "%s %s pt=96 config-interval=-1 %s )",
                                        pay, loses ? "" : "name=pay0", loses ? loses : "");
        g_free(loses);
        gst_rtsp_media_factory_set_launch(f, launch);
        gst_rtsp_media_factory_set_shared(f, TRUE);
        gst_rtsp_media_factory_set_latency(f, 0);
        if (user)
            gst_rtsp_media_factory_add_role(f, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN,
                                            TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE,
                                            NULL);
        g_signal_connect(f, "media-configure", G_CALLBACK(on_media), &cams[i]);
        gchar *mount = g_strdup_printf("/cam%d", i + 1);
        gst_rtsp_mount_points_add_factory(mounts, mount, f);
        g_free(mount);
        g_free(launch);
    }
    g_object_unref(mounts);
    epoch = now_ns();
    if (!gst_rtsp_server_attach(server, NULL))
        die("listen", "the port is taken or the address is not ours");
    g_timeout_add_seconds(2, sweep, server);
    g_thread_new("pace", pace, NULL);
    printf("ready rtsp://%s:%d/cam1..%d\n", bind_to ? bind_to : "127.0.0.1", port, ncams);
    fflush(stdout);
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
}
