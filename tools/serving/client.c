/* Asks an exported model through TensorFlow's C API, with the loader of TensorFlow Serving.

   client VERSION_FOLDER REQUESTS ANSWERS

   REQUESTS is lines, each followed by the bytes it announces:
     requests N
     request INPUTS OUTPUTS                       N times; behind it its inputs and its outputs
     input OPERATION INDEX TYPE BYTES RANK D1 ... then the values
     output OPERATION INDEX
   ANSWERS is written likewise: "loaded SECONDS", then for each request "answer OUTPUTS" and its
     output TYPE BYTES RANK D1 ...                then the values; a text is 8 bytes of length, then itself
   or "error CODE LENGTH" and the message. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tensorflow/c/c_api.h"

enum { MOST = 16, RANK = 8, NAME = 1024 };

static void fail(const char *what) {
  fprintf(stderr, "client: %s\n", what);
  exit(2);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static TF_Output place(TF_Graph *graph, const char *name, int index) {
  TF_Output found = {TF_GraphOperationByName(graph, name), index};
  if (!found.oper) fail(name);
  return found;
}

static TF_Tensor *read_input(FILE *file, TF_Graph *graph, TF_Output *where) {
  char name[NAME];
  int index, type, rank;
  size_t bytes;
  int64_t dims[RANK];
  if (fscanf(file, " input %1023s %d %d %zu %d", name, &index, &type, &bytes, &rank) != 5 || rank > RANK) fail("input");
  for (int i = 0; i < rank; i++)
    if (fscanf(file, "%ld", &dims[i]) != 1) fail("dimensions");
  fgetc(file); /* the end of the line */
  *where = place(graph, name, index);
  TF_Tensor *tensor = TF_AllocateTensor((TF_DataType)type, dims, rank, bytes);
  if (!tensor || fread(TF_TensorData(tensor), 1, bytes, file) != bytes) fail("values");
  return tensor;
}

static void write_texts(FILE *file, const TF_TString *texts, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    uint64_t size = TF_StringGetSize(&texts[i]);
    fwrite(&size, sizeof size, 1, file);
    fwrite(TF_StringGetDataPointer(&texts[i]), 1, size, file);
  }
}

static void write_output(FILE *file, TF_Tensor *tensor) {
  int64_t count = TF_TensorElementCount(tensor);
  size_t bytes = TF_TensorByteSize(tensor);
  TF_DataType type = TF_TensorType(tensor);
  if (type == TF_STRING) {
    const TF_TString *texts = TF_TensorData(tensor);
    bytes = 0;
    for (int64_t i = 0; i < count; i++) bytes += 8 + TF_StringGetSize(&texts[i]);
  }
  fprintf(file, "output %d %zu %d", type, bytes, TF_NumDims(tensor));
  for (int i = 0; i < TF_NumDims(tensor); i++) fprintf(file, " %ld", TF_Dim(tensor, i));
  fputc('\n', file);
  if (type == TF_STRING)
    write_texts(file, TF_TensorData(tensor), count);
  else
    fwrite(TF_TensorData(tensor), 1, bytes, file);
}

static void answer(FILE *in, FILE *out, TF_Session *session, TF_Graph *graph, TF_Status *status) {
  int inputs, outputs;
  TF_Output given[MOST], wanted[MOST];
  TF_Tensor *values[MOST], *found[MOST] = {0};
  if (fscanf(in, " request %d %d", &inputs, &outputs) != 2 || inputs > MOST || outputs > MOST) fail("request");
  for (int i = 0; i < inputs; i++) values[i] = read_input(in, graph, &given[i]);
  for (int i = 0; i < outputs; i++) {
    char name[NAME];
    int index;
    if (fscanf(in, " output %1023s %d", name, &index) != 2) fail("output");
    wanted[i] = place(graph, name, index);
  }
  TF_SessionRun(session, NULL, given, values, inputs, wanted, found, outputs, NULL, 0, NULL, status);
  if (TF_GetCode(status) == TF_OK) {
    fprintf(out, "answer %d\n", outputs);
    for (int i = 0; i < outputs; i++) write_output(out, found[i]);
  } else {
    fprintf(out, "error %d %zu\n%s", TF_GetCode(status), strlen(TF_Message(status)), TF_Message(status));
  }
  for (int i = 0; i < inputs; i++) TF_DeleteTensor(values[i]);
  for (int i = 0; i < outputs; i++)
    if (found[i]) TF_DeleteTensor(found[i]);
}

int main(int argc, char **argv) {
  if (argc != 4) fail("usage: client VERSION_FOLDER REQUESTS ANSWERS");
  const char *tags[] = {"serve"};
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  double start = now();
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) fail(TF_Message(status));
  FILE *in = fopen(argv[2], "rb"), *out = fopen(argv[3], "wb");
  int requests;
  if (!in || !out || fscanf(in, "requests %d", &requests) != 1) fail("files");
  fprintf(out, "loaded %.3f\n", now() - start);
  for (int i = 0; i < requests; i++) answer(in, out, session, graph, status);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return fclose(out) ? 2 : 0;
}
