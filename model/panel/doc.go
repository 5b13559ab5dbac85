// Package panel trains and runs networks that know a fixed set of services by place: the paper's rivals and
// the linear and identity models that every table carries. It turns steps into dense arrays over the services of the
// training part, in either of two protocols, and does what is the same for all of them: scaling,
// batches, the training loop, early stopping, intervals, state.
//
//	[]*model.Step ──▶ panel [time, service, channel] ──▶ Batch ──▶ Network ──▶ scaled forecasts ──▶ Prediction
//
// A network under its published recipe gets the inputs, scale, loss and optimiser of its own publication; under the common
// protocol all get the same inputs, head and loss, so that a difference is the network's.
//
// Services that training never saw get no forecast (NaN). The package knows no Kafka, reads no clock and starts no
// goroutine; randomness comes from the seed of a fit.
package panel
